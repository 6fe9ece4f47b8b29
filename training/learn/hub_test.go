package learn

import (
	"path/filepath"
	"slices"
	"testing"

	"vsed/encoders/adopt"
	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/encoders/tinyclip"
	"vsed/plugins/contract"
)

// hub is a model as it lies on a hub, made a bundle.
func hub(t *testing.T) (base *bundle.Bundle, library *runtime.Library) {
	t.Helper()
	library = runtimetest.Load(t)
	folder := filepath.Join(t.TempDir(), "tiny")
	if err := tinyclip.Write(folder, tinyclip.Options{Newer: true}); err != nil {
		t.Fatal(err)
	}
	if err := adopt.Adopt(t.Context(), folder, adopt.About{}, library); err != nil {
		t.Fatal(err)
	}
	return opened(t, folder), library
}

func opened(t *testing.T, folder string) *bundle.Bundle {
	t.Helper()
	read, err := bundle.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// projected are the vectors and learned tags of stored features.
func projected(t *testing.T, b *bundle.Bundle, library *runtime.Library, features [][]byte) []*contract.Embedding {
	t.Helper()
	e, err := encoder.Open(t.Context(), b, library, encoder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	found, err := e.Project(t.Context(), features)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAModelOfAHubLearns tags from its vectors, and again on top of what it learned.
func TestAModelOfAHubLearns(t *testing.T) {
	base, library := hub(t)
	photos := tagged(base)
	for round, from := 1, base; round <= 2; round++ {
		folder := photos.write(t, from, runtimetest.Path(t))
		if err := runWith(t.Context(), folder, Options{Report: silent}, quick()); err != nil {
			t.Fatal(err)
		}
		report := reportOf(t, folder)
		if report.Outcome != contract.Proposed || report.Gain.Low <= 0 || report.Kept >= 1 || report.Guard != nil {
			t.Fatalf("report %+v", report)
		}
		if maps, before := report.Parts["heads"].MAP.Value, report.Before.MAP.Value; maps < before+5 {
			t.Errorf("round %d: vectors find %.1f before, %.1f through the maps", round, before, maps)
		}
		learned := opened(t, filepath.Join(folder, contract.LearnedFile))
		if learned.FeatureSpace() != base.FeatureSpace() || learned.Space() == base.Space() || learned.Projection.Picture == "" || learned.Projection.Text == "" {
			t.Errorf("round %d: spaces %s and %s, features %+v", round, learned.FeatureSpace(), learned.Space(), learned.Features)
		}
		names, err := learned.LearnedTags()
		if err != nil || !slices.Equal(names, []string{"Omas Garten", "beach", "dog", "receipt", strange}) {
			t.Errorf("round %d: tags %q, %v", round, names, err)
		}
		before, after := projected(t, base, library, photos.features), projected(t, learned, library, photos.features)
		right := 0
		for i, embedding := range after {
			if slices.Equal(embedding.GetVector(), before[i].GetVector()) {
				t.Errorf("round %d: photo %d has the vector of before", round, i)
			}
			for _, tag := range embedding.GetTags() {
				if tag.GetConfidence() > .5 && slices.Contains(photos.photos[i].Tags, names[tag.GetTag()]) {
					right++
				}
			}
		}
		if right < 60 {
			t.Errorf("round %d: %d tags of 74 are told", round, right)
		}
		from = learned
	}
}

// TestNoiseOnAModelOfAHubIsRefused: maps that had seen a photo would find it by its words.
func TestNoiseOnAModelOfAHubIsRefused(t *testing.T) {
	base, _ := hub(t)
	folder := noise(base, 6).write(t, base, runtimetest.Path(t))
	if err := runWith(t.Context(), folder, Options{Report: silent}, quick()); err != nil {
		t.Fatal(err)
	}
	report := reportOf(t, folder)
	if maps, before := report.Parts["heads"].MAP.Value, report.Before.MAP.Value; report.Outcome != contract.NoProposal || maps == 0 || maps > before+1 {
		t.Errorf("%s: vectors find %.1f before, %.1f through the maps", report.Outcome, before, maps)
	}
}
