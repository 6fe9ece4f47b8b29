package host

import "testing"

func BenchmarkLaunch(b *testing.B) {
	command := fakeCommand(b)
	for b.Loop() {
		process, err := Launch(b.Context(), command, quiet())
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		process.Kill()
		b.StartTimer()
	}
}

// BenchmarkEncodePictures sends a batch of 1.2 MB to a plugin that ignores it.
func BenchmarkEncodePictures(b *testing.B) {
	encoder := fakeEncoder(b, Policy{}, "--side", "224", "--idle")
	pictures := make([][]byte, 8)
	for i := range pictures {
		pictures[i] = make([]byte, 224*224*3)
	}
	b.SetBytes(8 * 224 * 224 * 3)
	for b.Loop() {
		if _, err := encoder.EncodePictures(b.Context(), pictures); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeText(b *testing.B) {
	encoder := fakeEncoder(b, Policy{})
	for b.Loop() {
		if _, err := encoder.EncodeTexts(b.Context(), []string{"a red boat"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	decoder := newDecoder(b, Policy{})
	photo := photoFile(b, "content")
	request := requestFor("photo")
	request.Pictures[0].Width, request.Pictures[0].Height = 224, 224
	for b.Loop() {
		if _, err := decoder.Decode(b.Context(), photo, request); err != nil {
			b.Fatal(err)
		}
	}
}
