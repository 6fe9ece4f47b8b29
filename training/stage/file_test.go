package stage

import (
	"path/filepath"
	"strings"
	"testing"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/model"
)

// TestHeadsComeBackFromTheirFile as near as int8 lets them: their vectors agree.
func TestHeadsComeBackFromTheirFile(t *testing.T) {
	library := runtimetest.Load(t)
	learned, data := trialHeads(3), newWorld().draw(50, 1)
	standard := &model.Standard{}
	for i := range pictureWidth {
		standard.Mean, standard.Scale = append(standard.Mean, float32(i)/10), append(standard.Scale, 1+float32(i%3))
	}
	path := filepath.Join(t.TempDir(), "heads.bin")
	if err := learned.File(standard, .5).Write(path); err != nil {
		t.Fatal(err)
	}
	file, err := heads.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := FromFile(file, standard)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		a, b *model.Head
		rows [][]float32
	}{{learned.Picture, opened.Picture, data.Pictures}, {learned.Sentence, opened.Sentence, data.Captions}} {
		want, err := one.a.Vectors(t.Context(), library, 1, one.rows)
		if err != nil {
			t.Fatal(err)
		}
		got, err := one.b.Vectors(t.Context(), library, 1, one.rows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			var cosine float64
			for j, value := range want[i] {
				cosine += float64(value) * float64(got[i][j])
			}
			if cosine < .999 {
				t.Errorf("%s %d has cosine %v", one.a.Name, i, cosine)
			}
		}
	}
	standard.Mean = standard.Mean[1:]
	if _, err := FromFile(file, standard); err == nil || !strings.Contains(err.Error(), "a standard of 19") {
		t.Errorf("error %v", err)
	}
	file.SentenceScale = 1
	standard.Mean = append(standard.Mean, 0)
	if _, err := FromFile(file, standard); err == nil || !strings.Contains(err.Error(), "times 1") {
		t.Errorf("error %v", err)
	}
}
