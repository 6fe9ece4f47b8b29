package features

import (
	"bytes"
	"encoding/binary"
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
		"float16": saved(3, strings.Replace(header32, "f4", "f2", 1), []uint16{0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600}),
		"five times": saved(1, strings.Replace(header32, "(3,", "(15,", 1),
			slices.Concat(slices.Repeat([]float32{1, 2}, 5), slices.Repeat([]float32{3, 4}, 5), slices.Repeat([]float32{5, 6}, 5))),
	} {
		path := filepath.Join(t.TempDir(), "f.npy")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := OpenNPY(path, []int{2, 0, 2}, 3)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if values := a.Row(a.Row(a.Row(nil, 0), 1), 2); !slices.Equal(values, []float32{5, 6, 1, 2, 5, 6}) || a.Len() != 3 || a.Width() != 2 {
			t.Errorf("%s: %v", name, values)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
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
		_, err := OpenNPY(path, []int{row}, 3)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q and the path", err, want)
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
	f("rows 5 and 9, of one photo, differ", saved(1, strings.Replace(header32, "(3,", "(15,", 1),
		slices.Concat(slices.Repeat([]float32{1, 2}, 9), slices.Repeat([]float32{5, 6}, 6))), 1)
	f("not '<f2', '<f4' or '<f8'", saved(1, strings.Replace(header32, "<f4", "<i8", 1), values), 0)
	f("row by row", saved(1, strings.Replace(header32, "False", "True", 1), values), 0)
	f("two dimensions", saved(1, strings.Replace(header32, "(3, 2)", "(6,)", 1), values), 0)
	f("its shape is", saved(1, strings.Replace(header32, "(3, 2)", "(3, 99999999999999999999)", 1), values), 0)
	f("row 1: value 0 is NaN", saved(1, header32, []float32{1, 2, float32(math.NaN()), 4, 5, 6}), 1)
	f("value 1 is +Inf", saved(1, strings.Replace(header32, "f4", "f8", 1), []float64{1, 1e300, 3, 4, 5, 6}), 0)
}

func FuzzNPY(f *testing.F) {
	f.Add(saved(1, header32, []float32{1, 2, 3, 4, 5, 6}))
	f.Add(saved(2, strings.Replace(header32, "f4", "f8", 1), []float64{1, 2, 3, 4, 5, 6}))
	f.Fuzz(func(t *testing.T, file []byte) {
		a := &Array{data: file}
		if a.open([]int{0, 2}, 3) == nil && (len(a.Row(nil, 1)) != a.Width() || finite(a.Row(nil, 0)) != nil) {
			t.Errorf("rows of %+v", a.header)
		}
	})
}
