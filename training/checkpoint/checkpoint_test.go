package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func sample() State {
	return State{Step: 7, Random: []byte{1, 2, 255}, Settings: json.RawMessage(`{"rate":0.1}`), Tensors: []Tensor{
		{Name: "weights", Values: []float32{1.5, -2, float32(math.Inf(1)), math.SmallestNonzeroFloat32}, Length: 4},
		{Name: "none", Values: []float32{}},
	}}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.checkpoint")
	for range 2 { // over nothing, then over itself
		if err := Write(path, sample()); err != nil {
			t.Fatal(err)
		}
		if state, err := Read(path); err != nil || !reflect.DeepEqual(state, sample()) {
			t.Errorf("read %+v, %v", state, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v, %v", entries, err)
	}
	if _, err := Read(path + "?"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestDamageIsSeen changes, cuts and lengthens a file at every byte.
func TestDamageIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.checkpoint")
	if err := Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decode(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("took a byte too many")
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		if _, err := decode(changed); err == nil {
			t.Errorf("took a change of byte %d", i)
		}
		if _, err := decode(whole[:i]); err == nil {
			t.Errorf("took the first %d bytes", i)
		}
	}
	if err := os.WriteFile(path, whole[:len(whole)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "run.checkpoint") {
		t.Errorf("error %v", err)
	}
}

// TestFailedWriteLeavesTheOldFile: the new one cannot be written, as on a full disk.
func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.checkpoint")
	if err := Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	wrong := sample()
	wrong.Settings = json.RawMessage("{")
	if err := Write(path, wrong); err == nil {
		t.Error("wrote settings that are no JSON")
	}
	if state, err := Read(path); err != nil || state.Step != 7 {
		t.Errorf("read %+v, %v", state, err)
	}
	if _, err := os.Stat(path + part); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part is left: %v", err)
	}
	if err := os.Symlink("/dev/full", path+part); err != nil {
		t.Skip(err)
	}
	if err := Write(path, sample()); err == nil {
		t.Error("wrote to a full disk")
	}
	if state, err := Read(path); err != nil || state.Step != 7 {
		t.Errorf("read %+v, %v", state, err)
	}
}

func TestRestore(t *testing.T) {
	state := sample()
	values := make([]float32, 4)
	if err := state.Restore("weights", values); err != nil || values[1] != -2 {
		t.Errorf("%v, %v", values, err)
	}
	for name, length := range map[string]int{"weights": 3, "absent": 4} {
		if err := state.Restore(name, make([]float32, length)); err == nil {
			t.Errorf("restored %d values of %q", length, name)
		}
	}
}

// FuzzDecode gives any content its right checksum, which must then be read or refused.
func FuzzDecode(f *testing.F) {
	var whole bytes.Buffer
	if err := encode(&whole, sample()); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, content []byte) {
		sum := sha256.Sum256(content)
		state, err := decode(append(bytes.Clone(content), sum[:]...))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := encode(&again, state); err != nil {
			t.Errorf("read what cannot be written: %v", err)
		}
	})
}
