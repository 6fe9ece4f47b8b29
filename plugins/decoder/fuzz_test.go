package decoder

import "testing"

// What this package parses by itself must stand any bytes.

func FuzzIdentify(f *testing.F) {
	for _, format := range sampledFormats() {
		photo, err := sample(format)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(photo)
	}
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\xfe\x00\x04\x00\x01\x00\x00\x00\x01\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00avifmif1"))
	f.Fuzz(func(t *testing.T, photo []byte) {
		format, err := identify(photo)
		if (err == nil) == (format.name == "") {
			t.Errorf("format %q with error %v", format.name, err)
		}
	})
}

func FuzzProfileName(f *testing.F) {
	f.Add(append(make([]byte, 128), "\x00\x00\x00\x01desc\x00\x00\x00\x90\x00\x00\x00\x20desc\x00\x00\x00\x00\x00\x00\x00\x05sRGB\x00"...))
	f.Add(append(make([]byte, 128), "\x00\x00\x00\x01desc\x00\x00\x00\x90\x00\x00\x00\x20mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS\x00\x00\x00\x04\x00\x00\x00\x1c\x00s\x00R"...))
	f.Fuzz(func(t *testing.T, profile []byte) {
		if name := profileName(profile); len(name) > 3*len(profile) {
			t.Errorf("a name of %d bytes out of %d", len(name), len(profile))
		}
	})
}
