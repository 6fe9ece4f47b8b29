package replay

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// drawn is a small set of any numbers.
func drawn(seed uint64) *Set {
	random := rand.New(rand.NewPCG(seed, 1))
	values := func(count int) (list []float32) {
		for range count {
			list = append(list, random.Float32())
		}
		return list
	}
	amounts := func(count int) (list []int8) {
		for range count {
			list = append(list, int8(random.Uint32()))
		}
		return list
	}
	pictures, captions := 1+random.IntN(9), 1+random.IntN(9)
	code := func(width, rows int) Code {
		c := Code{Width: width}
		components := width
		if random.IntN(2) == 0 {
			components = 1 + random.IntN(width)
			c.Basis = amounts(width * components)
		}
		c.Steps, c.Amounts = values(components), amounts(components*rows)
		return c
	}
	part := func() Part {
		all, counts := 0, make([]byte, 1+random.IntN(5))
		for i := range counts {
			counts[i] = byte(1 + random.IntN(3))
			all += int(counts[i])
		}
		return Part{code(pictures, len(counts)), code(captions, all), counts}
	}
	return &Set{values(pictures), values(pictures), part(), part()}
}

func TestAFileComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "replay.bin")
	for seed := range uint64(50) {
		if err := drawn(seed).Write(path); err != nil {
			t.Fatal(err)
		}
		read, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(read, drawn(seed)) {
			t.Errorf("read %+v", read)
		}
	}
}

func TestRowsAreSumsOfComponents(t *testing.T) {
	for seed := range uint64(20) {
		s := drawn(seed)
		rows, code := s.Train.Rows(), s.Train.Pictures
		for picture, row := range rows.Pictures {
			for j, value := range row {
				want := 0.0
				for k, step := range code.Steps {
					amount := float64(step) * float64(code.Amounts[k*len(rows.Pictures)+picture])
					if len(code.Basis) > 0 {
						want += amount * float64(code.Basis[k*code.Width+j])
					} else if k == j {
						want = amount
					}
				}
				if math.Abs(float64(value)-want) > 1e-3*(1+math.Abs(want)) {
					t.Fatalf("picture %d value %d is %v, want %v", picture, j, value, want)
				}
			}
		}
		at := 0
		for picture, count := range s.Train.Counts {
			for range count {
				if rows.Owner[at] != picture {
					t.Fatalf("caption %d is of picture %d, want %d", at, rows.Owner[at], picture)
				}
				at++
			}
		}
		if at != len(rows.Owner) || at != len(rows.Captions) {
			t.Errorf("%d captions with %d owners, want %d", len(rows.Captions), len(rows.Owner), at)
		}
	}
}

func TestDamageIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replay.bin")
	if err := drawn(1).Write(path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("no replay file", nil)
	f("no replay file", append([]byte("V"), whole[1:]...))
	f("checksum", whole[:len(whole)-1])
	for at := range whole[len(magic):] {
		changed := bytes.Clone(whole)
		changed[len(magic)+at] ^= 1
		f("checksum", changed)
	}
	// A file that is whole and yet wrong: another program's, or made on purpose.
	f = func(want string, content []byte) {
		t.Helper()
		digest := sha256.Sum256(content)
		if err := os.WriteFile(path, append(bytes.Clone(content), digest[:]...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	content := whole[:len(whole)-sha256.Size]
	f("header is longer", binary.LittleEndian.AppendUint32([]byte(magic), 1<<31))
	f("damaged", content[:len(content)-3])
	speaks := func(rows int) []byte {
		code := func(rows int) string { return fmt.Sprintf(`{"rows":%d,"width":4,"components":2}`, rows) }
		header := fmt.Sprintf(`{"train":{"pictures":%s,"captions":%[2]s},"guard":{"pictures":%[2]s,"captions":%[2]s}}`, code(rows), code(1))
		return append(binary.LittleEndian.AppendUint32([]byte(magic), uint32(len(header))), header...)
	}
	f("1000000000 rows", speaks(1000000000))
	f("bytes cannot be in it", speaks(100000000))
}

func TestWhatCannotBeWrittenIsNamed(t *testing.T) {
	f := func(want string, change func(*Set)) {
		t.Helper()
		s := drawn(1)
		change(s)
		if err := s.Write(filepath.Join(t.TempDir(), "replay.bin")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("means hold NaN", func(s *Set) { s.Mean[0] = float32(math.NaN()) })
	f("steps of captions hold +Inf", func(s *Set) { s.Train.Captions.Steps[0] = float32(math.Inf(1)) })
	f("scales of 0 values", func(s *Set) { s.Scale = nil })
	f("in 0 components", func(s *Set) { s.Guard.Pictures.Steps = nil })
	f("components of pictures have 1 values", func(s *Set) { s.Train.Pictures.Basis = make([]int8, 1); s.Train.Pictures.Width += 2 })
	f("amounts of", func(s *Set) { s.Guard.Captions.Amounts = s.Guard.Captions.Amounts[1:] })
	f("0 pictures have", func(s *Set) { s.Guard.Counts, s.Guard.Pictures.Amounts = nil, nil })
}

func FuzzDecode(f *testing.F) {
	for seed := range uint64(3) {
		data, err := drawn(seed).encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[len(magic):])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) < 4 || len(content) > 1<<16 {
			return
		}
		s, err := decode(content)
		if err != nil {
			return
		}
		again, err := s.encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if read, err := decode(again[len(magic):]); err != nil || !reflect.DeepEqual(read, s) {
			t.Fatalf("what was written reads otherwise: %v", err)
		}
	})
}
