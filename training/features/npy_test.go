package features

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// saved is what numpy.save writes of rows of two values.
func saved(version byte, header string, values any) []byte {
	for (len(header)+11+2*int(min(version-1, 1)))%64 != 0 {
		header += " "
	}
	header += "\n"
	file := []byte(npyMagic + string(version) + "\x00")
	if version == 1 {
		file = binary.LittleEndian.AppendUint16(file, uint16(len(header)))
	} else {
		file = binary.LittleEndian.AppendUint32(file, uint32(len(header)))
	}
	var body bytes.Buffer
	if err := binary.Write(&body, binary.LittleEndian, values); err != nil {
		panic(err) // numbers are written to memory
	}
	return append(append(file, header...), body.Bytes()...)
}

const header32 = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"

func TestNPY(t *testing.T) {
	for name, file := range map[string][]byte{
		"float32": saved(1, header32, []float32{1, 2, 3, 4, 5, 6}),
		"float64": saved(2, strings.Replace(header32, "f4", "f8", 1), []float64{1, 2, 3, 4, 5, 6}),
	} {
		path := filepath.Join(t.TempDir(), "f.npy")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := ReadNPY(path, []int{2, 0, 2}, 3)
		if err != nil || !slices.Equal(slices.Concat(rows...), []float32{5, 6, 1, 2, 5, 6}) {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
}

func TestNPYThatWillNotDo(t *testing.T) {
	values := []float32{1, 2, 3, 4, 5, 6}
	f := func(want string, file []byte, row int) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "f.npy")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadNPY(path, []int{row}, 3); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want %q and the path", err, want)
		}
	}
	whole := saved(1, header32, values)
	f("no .npy file", nil, 0)
	f("no .npy file", []byte("PK\x03\x04 an .npz file"), 0)
	f("version 9", append([]byte(npyMagic+"\x09"), whole[7:]...), 0)
	f("header is cut off", whole[:40], 0)
	f("its header says", whole[:len(whole)-1], 0)
	f("its header says", append(whole, 0), 0)
	f("row 3 is asked for of 3", whole, 3)
	f("2 rows for 3 photos", saved(1, strings.Replace(header32, "(3,", "(2,", 1), values[:4]), 0)
	f("not '<f4' or '<f8'", saved(1, strings.Replace(header32, "<f4", "<i8", 1), values), 0)
	f("row by row", saved(1, strings.Replace(header32, "False", "True", 1), values), 0)
	f("two dimensions", saved(1, strings.Replace(header32, "(3, 2)", "(6,)", 1), values), 0)
	f("its shape is", saved(1, strings.Replace(header32, "(3, 2)", "(3, 99999999999999999999)", 1), values), 0)
	f("value 1 is NaN", saved(1, header32, []float32{1, float32(math.NaN()), 3, 4, 5, 6}), 0)
}

func FuzzNPY(f *testing.F) {
	f.Add(saved(1, header32, []float32{1, 2, 3, 4, 5, 6}))
	f.Add(saved(2, strings.Replace(header32, "f4", "f8", 1), []float64{1, 2, 3, 4, 5, 6}))
	f.Fuzz(func(t *testing.T, file []byte) {
		rows, err := readNPY(bytes.NewReader(file), int64(len(file)), []int{0, 2}, 3)
		if err == nil && (len(rows) != 2 || len(rows[0]) != len(rows[1]) || fmt.Sprint(finite(rows[0])) != "<nil>") {
			t.Errorf("rows %v", rows)
		}
	})
}
