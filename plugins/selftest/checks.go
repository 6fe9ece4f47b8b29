package selftest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"vsed/plugins/contract"
)

// sameVector is the cosine above which two vectors of different inputs are one.
const sameVector = 0.99999

// megabyte is the unit of what people read, as in the rest of vsed.
const megabyte = 1_000_000

func (t *test) start(ctx context.Context) (string, error) {
	about, err := t.encoder.Describe(ctx)
	if err != nil {
		return "", err
	}
	t.about = about
	t.report.Name, t.report.Version = about.GetName(), about.GetVersion()
	t.report.Space, t.report.Digest = about.GetSpace(), about.GetBundleDigest()
	return fmt.Sprintf("%s %s, vectors of %d dimensions", about.GetName(), about.GetVersion(), about.GetDimensions()), nil
}

// providers refuses an encoder that runs elsewhere than it was asked to and does
// not say why.
func (t *test) providers(context.Context) (string, error) {
	t.report.Sessions = []Session{}
	var ran []string
	for _, session := range t.about.GetSessions() {
		if session.GetProvider() != session.GetAskedProvider() && session.GetFallback() == "" {
			return "", fmt.Errorf("the %s session was asked to run on %s and runs on %s, without a reason",
				session.GetName(), session.GetAskedProvider(), session.GetProvider())
		}
		t.report.Sessions = append(t.report.Sessions, Session{session.GetName(), session.GetProvider(), session.GetPrecision(), session.GetFallback()})
		line := fmt.Sprintf("%s on %s in %s", session.GetName(), session.GetProvider(), session.GetPrecision())
		if session.GetFallback() != "" {
			line += fmt.Sprintf(" (not %s: %s)", session.GetAskedProvider(), session.GetFallback())
		}
		ran = append(ran, line)
	}
	if len(ran) == 0 {
		return fmt.Sprintf("%s in %s", t.about.GetProvider(), t.about.GetPrecision()), nil
	}
	return strings.Join(ran, "; "), nil
}

// vectors relies on the host, which checks number, length and finiteness of what
// an encoder answers, but looks at each vector again: it is cheap.
func (t *test) vectors(ctx context.Context) (string, error) {
	golden, err := t.encoder.Golden(ctx)
	if err != nil {
		return "", err
	}
	t.golden = golden
	batch := int(t.about.GetBatch())
	if t.alone {
		batch = 1
	}
	for begin := 0; begin < len(golden.GetPictures()); begin += batch {
		part := golden.GetPictures()[begin:min(begin+batch, len(golden.GetPictures()))]
		embeddings, err := t.encoder.EncodePictures(ctx, pixelsOf(part))
		if err != nil {
			return "", err
		}
		t.found = append(t.found, embeddings...)
	}
	t.pictures = vectorsOf(t.found)
	for _, text := range golden.GetTexts() {
		embeddings, err := t.encoder.EncodeTexts(ctx, []string{text.GetText()})
		if err != nil {
			return "", err
		}
		t.texts = append(t.texts, vectorsOf(embeddings)...)
	}
	for _, vector := range append(t.pictures, t.texts...) {
		if length := math.Sqrt(dot(vector, vector)); !(math.Abs(length-1) < 1e-3) {
			return "", fmt.Errorf("a vector has length %.4g, not 1", length)
		}
	}
	return fmt.Sprintf("%d pictures and %d texts: finite, of unit length", len(t.pictures), len(t.texts)), nil
}

func (t *test) notConstant(context.Context) (string, error) {
	for _, side := range []struct {
		noun    string
		vectors [][]float32
	}{{"pictures", t.pictures}, {"texts", t.texts}} {
		if allSame(side.vectors) {
			return "", fmt.Errorf("%d different %s have one vector", len(side.vectors), side.noun)
		}
	}
	return "different inputs have different vectors", nil
}

func allSame(vectors [][]float32) bool {
	for _, vector := range vectors[1:] {
		if dot(vectors[0], vector) < sameVector {
			return false
		}
	}
	return true
}

func (t *test) goldenVectors(context.Context) (string, error) {
	least, known := 1.0, 0
	for i, picture := range t.golden.GetPictures() {
		if len(picture.GetVector()) == 0 {
			continue
		}
		known++
		cosine := dot(picture.GetVector(), t.pictures[i])
		if cosine < t.golden.GetTolerance() {
			return "", t.changed("picture", i, cosine)
		}
		least = min(least, cosine)
	}
	for i, text := range t.golden.GetTexts() {
		if len(text.GetVector()) == 0 {
			continue
		}
		known++
		cosine := dot(text.GetVector(), t.texts[i])
		if cosine < t.golden.GetTolerance() {
			return "", t.changed("text", i, cosine)
		}
		least = min(least, cosine)
	}
	if known == 0 {
		return "the encoder knows none", nil
	}
	return fmt.Sprintf("%d vectors, least cosine %.5f of %g needed", known, least, t.golden.GetTolerance()), nil
}

func (t *test) changed(side string, position int, cosine float64) error {
	return fmt.Errorf("%s %d has a cosine of %.4f to its golden vector, %g is needed (%s)",
		side, position, cosine, t.golden.GetTolerance(), t.where(side))
}

// where says what ran one side, for whoever looks for a culprit.
func (t *test) where(side string) string {
	for _, session := range t.report.Sessions {
		if session.Name == side {
			return fmt.Sprintf("on %s in %s", session.Provider, session.Precision)
		}
	}
	return fmt.Sprintf("on %s in %s", t.about.GetProvider(), t.about.GetPrecision())
}

// pairs wants each picture nearer to its own sentence than to any other pair's:
// graphs or tokenizers that do not belong together fail it.
func (t *test) pairs(context.Context) (string, error) {
	margin := math.Inf(1)
	for _, own := range t.golden.GetPairs() {
		matched := dot(t.pictures[own.GetPicture()], t.texts[own.GetText()])
		for _, other := range t.golden.GetPairs() {
			if other.GetText() == own.GetText() {
				continue
			}
			mismatched := dot(t.pictures[own.GetPicture()], t.texts[other.GetText()])
			if matched <= mismatched {
				return "", fmt.Errorf("picture %d fits %q (%.3f) no better than %q (%.3f)", own.GetPicture(),
					t.golden.GetTexts()[own.GetText()].GetText(), matched, t.golden.GetTexts()[other.GetText()].GetText(), mismatched)
			}
			margin = min(margin, matched-mismatched)
		}
	}
	return fmt.Sprintf("%d pictures fit their own sentences best, by %.3f or more", len(t.golden.GetPairs()), margin), nil
}

// sameConfidence is how far two confidences in one tag may lie apart.
const sameConfidence = 0.01

// projection wants of stored features what their pictures gave: it takes the place of
// encoding a library anew.
func (t *test) projection(ctx context.Context) (string, error) {
	if t.about.GetFeatureType() == "" {
		return "the encoder keeps no features", nil
	}
	features := make([][]byte, len(t.found))
	for i, embedding := range t.found {
		features[i] = embedding.GetFeature()
	}
	projected, err := t.encoder.Project(ctx, features)
	if err != nil {
		return "", err
	}
	least := 1.0
	for i, embedding := range projected {
		cosine := dot(embedding.GetVector(), t.pictures[i])
		if cosine < t.golden.GetTolerance() {
			return "", fmt.Errorf("picture %d has a cosine of %.4f to what its feature projects to, %g is needed", i, cosine, t.golden.GetTolerance())
		}
		if tag, apart := differing(t.found[i].GetTags(), embedding.GetTags()); apart > sameConfidence {
			return "", fmt.Errorf("picture %d and its feature differ by %.2f in the learned tag %q", i, apart, t.about.GetLearnedTags()[tag])
		}
		least = min(least, cosine)
	}
	return fmt.Sprintf("%d features give their pictures' vectors, least cosine %.5f", len(projected), least), nil
}

// differing gives the tag in which two lists differ most, and by how much.
func differing(a, b []*contract.LearnedTag) (tag uint32, apart float64) {
	differences := map[uint32]float64{}
	for _, one := range a {
		differences[one.GetTag()] += float64(one.GetConfidence())
	}
	for _, one := range b {
		differences[one.GetTag()] -= float64(one.GetConfidence())
	}
	for each, difference := range differences {
		if difference = math.Abs(difference); difference > apart || difference == apart && each < tag {
			tag, apart = each, difference
		}
	}
	return tag, apart
}

// fullBatch compares pictures alone or among few with the same in a full batch.
func (t *test) fullBatch(ctx context.Context) (string, error) {
	embeddings, err := t.encoder.EncodePictures(ctx, t.batch())
	if err != nil {
		return "", err
	}
	least := 1.0
	for i, embedding := range embeddings {
		least = min(least, dot(embedding.GetVector(), t.pictures[i%len(t.pictures)]))
	}
	if least < t.golden.GetTolerance() {
		return "", fmt.Errorf("a picture has a cosine of %.4f to itself in a batch of %d, %g is needed", least, len(embeddings), t.golden.GetTolerance())
	}
	return fmt.Sprintf("%d pictures at once give the same vectors", len(embeddings)), nil
}

// batch repeats the golden pictures up to a full batch.
func (t *test) batch() [][]byte {
	pictures := make([][]byte, t.about.GetBatch())
	for i := range pictures {
		pictures[i] = t.golden.GetPictures()[i%len(t.pictures)].GetPixels()
	}
	return pictures
}

func (t *test) memory(context.Context) (string, error) {
	id := t.encoder.ProcessID()
	if id == 0 {
		return "", errors.New("the encoder has ended")
	}
	resident, err := residentBytes(id)
	if err != nil {
		return "", err
	}
	t.report.Memory = resident
	if limit := t.limits.Memory; limit > 0 && resident > limit {
		return "", fmt.Errorf("it takes %d MB, %d MB are allowed; choose a smaller encoder or a larger limit", resident/megabyte, limit/megabyte)
	}
	return fmt.Sprintf("%.0f MB", float64(resident)/megabyte), nil
}

func pixelsOf(pictures []*contract.GoldenPicture) [][]byte {
	pixels := make([][]byte, len(pictures))
	for i, picture := range pictures {
		pixels[i] = picture.GetPixels()
	}
	return pixels
}

func vectorsOf(embeddings []*contract.Embedding) [][]float32 {
	vectors := make([][]float32, len(embeddings))
	for i, embedding := range embeddings {
		vectors[i] = embedding.GetVector()
	}
	return vectors
}

// dot is the cosine of vectors of unit length; of different lengths, none.
func dot(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.NaN()
	}
	var sum float64
	for i, value := range a {
		sum += float64(value) * float64(b[i])
	}
	return sum
}
