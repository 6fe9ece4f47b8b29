package heads

import (
	"crypto/sha256"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func drawn(inputs, hidden, outputs int) Head {
	layer := func(inputs, outputs int) Layer {
		weights, offset := make([]float32, inputs*outputs), make([]float32, outputs)
		for i := range weights {
			weights[i] = float32(math.Sin(float64(i))) * float32(i%outputs) // the first column is zeros
		}
		for i := range offset {
			offset[i] = float32(i) / 3
		}
		return NewLayer(inputs, outputs, weights, offset)
	}
	return Head{layer(inputs, hidden), layer(hidden, outputs)}
}

func trial() *File {
	return &File{SentenceScale: 19.6, ClassNames: .5, Picture: drawn(7, 5, 3), Sentence: drawn(4, 6, 3)}
}

func TestAFileComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "heads.bin")
	if err := trial().Write(path); err != nil {
		t.Fatal(err)
	}
	read, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, trial()) {
		t.Errorf("read %+v", read)
	}
	if read.Dimensions() != 3 {
		t.Errorf("%d dimensions", read.Dimensions())
	}
}

// TestWeightsStayNear: within half a step of their column's scale.
func TestWeightsStayNear(t *testing.T) {
	weights := []float32{1, -200, .3, 0, -.9, 100, .123, 0}
	layer := NewLayer(2, 4, weights, make([]float32, 4))
	for i, value := range layer.Values() {
		if math.Abs(float64(value-weights[i])) > .5001*float64(layer.Scales[i%4]) {
			t.Errorf("weight %d is %v, was %v", i, value, weights[i])
		}
	}
}

func TestDamageIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heads.bin")
	if err := trial().Write(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, change func(data []byte) []byte) {
		t.Helper()
		if err := os.WriteFile(path, change(append([]byte(nil), whole...)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("no file of heads", func([]byte) []byte { return nil })
	f("no file of heads", func(data []byte) []byte { data[0] = 'V'; return data })
	for _, at := range []int{len(magic), len(magic) + 9, len(whole) / 2, len(whole) - 1} {
		f("checksum", func(data []byte) []byte { data[at] ^= 1; return data })
	}
	f("checksum", func(data []byte) []byte { return data[:len(data)-1] })
	odd := trial()
	odd.Sentence.Output.Offset[1] = float32(math.Inf(1))
	if err := odd.Write(path); err == nil || !strings.Contains(err.Error(), "layer 4 of 4 holds +Inf") {
		t.Errorf("error %v", err)
	}
	bad := trial()
	bad.Sentence = drawn(4, 6, 2)
	if err := bad.Write(path); err == nil || !strings.Contains(err.Error(), "3 and 2 dimensions") {
		t.Errorf("error %v", err)
	}
}

// FuzzDecode seals what it draws, so that the checksum does not refuse it all.
func FuzzDecode(f *testing.F) {
	for _, outputs := range []int{1, 3} {
		file := &File{SentenceScale: 19.6, ClassNames: .5, Picture: drawn(2, 1, outputs), Sentence: drawn(1, 2, outputs)}
		data, err := file.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[len(magic) : len(data)-sha256.Size])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<16 {
			return
		}
		data := append([]byte(magic), content...)
		digest := sha256.Sum256(data)
		file, err := parse(append(data, digest[:]...))
		if err != nil {
			return
		}
		again, err := file.encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if read, err := parse(again); err != nil || !reflect.DeepEqual(read, file) {
			t.Fatalf("what was written reads otherwise: %v", err)
		}
	})
}
