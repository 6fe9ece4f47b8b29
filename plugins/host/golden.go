package host

import (
	"fmt"

	"vsed/plugins/contract"
)

// goldenLeast is how many pictures, texts and pairs a judgement takes at least: a
// pair is judged beside a mismatched one.
const goldenLeast = 2

func checkGolden(golden *contract.GoldenResponse, d *contract.EncoderDescription) error {
	if !(golden.GetTolerance() > 0 && golden.GetTolerance() <= 1) {
		return fmt.Errorf("a tolerance of %v, not above 0 and at most 1", golden.GetTolerance())
	}
	for _, count := range []struct {
		noun  string
		found int
	}{{"pictures", len(golden.GetPictures())}, {"texts", len(golden.GetTexts())}, {"pairs", len(golden.GetPairs())}} {
		if count.found < goldenLeast {
			return fmt.Errorf("%d %s, fewer than %d", count.found, count.noun, goldenLeast)
		}
	}
	return firstError(checkGoldenPictures(golden.GetPictures(), d), checkGoldenTexts(golden.GetTexts(), d), checkPairs(golden))
}

func checkGoldenPictures(pictures []*contract.GoldenPicture, d *contract.EncoderDescription) error {
	for position, picture := range pictures {
		if want := pictureLength(d.GetPicture()); len(picture.GetPixels()) != want {
			return fmt.Errorf("picture %d is %d bytes long, not %d", position, len(picture.GetPixels()), want)
		}
		if err := checkKnownVector(picture.GetVector(), d); err != nil {
			return fmt.Errorf("picture %d: %w", position, err)
		}
	}
	return nil
}

func checkGoldenTexts(texts []*contract.GoldenText, d *contract.EncoderDescription) error {
	for position, text := range texts {
		if err := checkKnownVector(text.GetVector(), d); err != nil {
			return fmt.Errorf("text %d: %w", position, err)
		}
	}
	return nil
}

func checkKnownVector(vector []float32, d *contract.EncoderDescription) error {
	if len(vector) == 0 {
		return nil
	}
	return checkVector(vector, int(d.GetDimensions()))
}

// checkPairs wants each picture and each text in one pair at most.
func checkPairs(golden *contract.GoldenResponse) error {
	pictures, texts := map[uint32]bool{}, map[uint32]bool{}
	for position, pair := range golden.GetPairs() {
		if int(pair.GetPicture()) >= len(golden.GetPictures()) || int(pair.GetText()) >= len(golden.GetTexts()) {
			return fmt.Errorf("pair %d is of picture %d and text %d, which do not exist", position, pair.GetPicture(), pair.GetText())
		}
		if pictures[pair.GetPicture()] || texts[pair.GetText()] {
			return fmt.Errorf("pair %d shares its picture or its text with another", position)
		}
		pictures[pair.GetPicture()], texts[pair.GetText()] = true, true
	}
	return nil
}
