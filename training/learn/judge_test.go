package learn

import (
	"math"
	"testing"
)

// TestTheJudgeSeesAsTheEncoder compares scores that were put together from parts, as
// those of learned heads are, with the encoder's own vectors.
func TestTheJudgeSeesAsTheEncoder(t *testing.T) {
	base, library := builtin(t)
	if base.Learning == nil || base.Learning.Replay == "" {
		t.Skip("the built-in bundle brings nothing to learn from: run `make model`")
	}
	r := &run{folder: tagged(base).write(t, base, library), step: func(string, int, int) {}}
	if err := r.open(Options{}); err != nil {
		t.Fatal(err)
	}
	r.split, _ = divide(r.input, r.task.Seed)
	j, err := r.newJudge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen, err := j.sights(t.Context(), j.start, j.start.file.ClassNames)
	if err != nil {
		t.Fatal(err)
	}
	if len(j.plain) == 0 || len(seen[0].cosines) != len(j.plain) {
		t.Fatalf("%d queries by parts, %d by vectors", len(seen[0].cosines), len(j.plain))
	}
	for i, row := range j.plain {
		for k, cosine := range row {
			if found := seen[0].cosines[i][k]; math.Abs(found-cosine) > 1e-4 {
				t.Errorf("query %d, photo %d: %v by parts, %v by vectors", i, k, found, cosine)
			}
		}
	}
}
