package model

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"vsed/encoders/runtime/runtimetest"
)

// drawn are rows of features, of which the last value never changes.
type drawn [][]float32

func (d drawn) Len() int                            { return len(d) }
func (d drawn) Width() int                          { return len(d[0]) }
func (d drawn) Row(into []float32, i int) []float32 { return append(into, d[i]...) }

func drawRows(count, width int) drawn {
	random := rand.New(rand.NewPCG(3, 4))
	rows := make(drawn, count)
	for i := range rows {
		rows[i] = make([]float32, width)
		for j := range rows[i] {
			rows[i][j] = float32(random.NormFloat64() + float64(j))
		}
	}
	return rows
}

func TestPrepareByHand(t *testing.T) {
	feature := []float32{4, -9, 0, 3}
	Prepare(feature)
	for i, want := range []float64{2. / 4, -3. / 4, 0, math.Sqrt(3) / 4} {
		if math.Abs(float64(feature[i])-want) > 1e-7 {
			t.Errorf("value %d is %v, want %v", i, feature[i], want)
		}
	}
	none := []float32{0, 0}
	if Prepare(none); none[0] != 0 || none[1] != 0 {
		t.Errorf("zeros became %v", none)
	}
}

func TestStandardHasMeanNoneAndDeviationOne(t *testing.T) {
	rows := drawRows(200, 5)
	for _, row := range rows {
		row[4] = 0
	}
	standard, err := MeasureStandard(rows, 5)
	if err != nil {
		t.Fatal(err)
	}
	read := standard.Read(rows)
	for j := range 5 {
		var sum, squares float64
		for _, row := range read {
			sum += float64(row[j])
			squares += float64(row[j]) * float64(row[j])
		}
		want := 1.0
		if j == 4 {
			want = 0 // what never changes says nothing
		}
		if math.Abs(sum/200) > 1e-5 || math.Abs(squares/200-want) > 1e-4 {
			t.Errorf("value %d has mean %v and square %v", j, sum/200, squares/200)
		}
	}
	if part, err := MeasureStandard(rows, 2); err != nil || len(part.Read(rows)[0]) != 2 {
		t.Errorf("the first two values: %v", err)
	}
	for _, width := range []int{0, 6} {
		if _, err := MeasureStandard(rows, width); err == nil {
			t.Errorf("width %d was measured", width)
		}
	}
}

// TestFoldedGivesTheSame: a folded head on prepared rows, and the head on those that
// are standardised too; both against sums written out.
func TestFoldedGivesTheSame(t *testing.T) {
	library := runtimetest.Load(t)
	rows := drawRows(300, 6) // more than one run takes
	standard, err := MeasureStandard(rows, 6)
	if err != nil {
		t.Fatal(err)
	}
	head := NewHead("picture", Sizes{6, 7, 3}, rand.New(rand.NewPCG(1, 2)))
	read := standard.Read(rows)
	vectors, err := head.Vectors(t.Context(), library, 1, read)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		Prepare(row)
	}
	folded, err := standard.Folded(head).Vectors(t.Context(), library, 1, rows)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		want := byHand(head, read[i])
		for j, value := range want {
			if math.Abs(float64(vectors[i][j])-value) > 1e-5 || math.Abs(float64(folded[i][j])-value) > 1e-4 {
				t.Fatalf("row %d, value %d: %v and %v, by hand %v", i, j, vectors[i][j], folded[i][j], value)
			}
		}
	}
	if _, err := head.Vectors(context.Background(), library, 1, [][]float32{{1}}); err == nil || !strings.Contains(err.Error(), "takes 6 values, row 0 has 1") {
		t.Errorf("error %v", err)
	}
}

func byHand(h *Head, row []float32) []float64 {
	hidden := make([]float64, h.Hidden)
	for j := range hidden {
		hidden[j] = float64(h.HiddenOffset[j])
		for i, value := range row {
			hidden[j] += float64(value) * float64(h.HiddenWeights[i*h.Hidden+j])
		}
		hidden[j] = max(0, hidden[j])
	}
	vector, square := make([]float64, h.Outputs), 0.0
	for j := range vector {
		vector[j] = float64(h.Offset[j])
		for i, value := range hidden {
			vector[j] += value * float64(h.Weights[i*h.Outputs+j])
		}
		square += vector[j] * vector[j]
	}
	for j := range vector {
		vector[j] /= math.Sqrt(square)
	}
	return vector
}

func TestBlend(t *testing.T) {
	a := NewHead("a", Sizes{2, 3, 2}, rand.New(rand.NewPCG(1, 2)))
	b := NewHead("a", Sizes{2, 3, 2}, rand.New(rand.NewPCG(3, 4)))
	mixed := a.Clone()
	mixed.Blend(b, .8)
	for i, tensor := range mixed.Tensors() {
		for j, value := range tensor.Values {
			want := .2*a.Tensors()[i].Values[j] + .8*b.Tensors()[i].Values[j]
			if math.Abs(float64(value-want)) > 1e-6 {
				t.Errorf("%s %d is %v, want %v", tensor.Name, j, value, want)
			}
		}
	}
}
