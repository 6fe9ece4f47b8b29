package golden

import (
	"errors"
	"testing"

	"vsed/encoders/bundle"
)

// seen are golden inputs with the cosines of each picture to each sentence.
func seen(rows ...[]float32) *bundle.Golden {
	inputs := &bundle.Golden{}
	for i, row := range rows {
		text := make([]float32, len(rows))
		text[i] = 1
		inputs.Pictures = append(inputs.Pictures, bundle.GoldenPicture{Vector: row})
		inputs.Texts = append(inputs.Texts, bundle.GoldenText{Vector: text})
		inputs.Pairs = append(inputs.Pairs, bundle.GoldenPair{Picture: i, Text: i})
	}
	return inputs
}

func TestPairs(t *testing.T) {
	f := func(strict, some int, rows ...[]float32) {
		t.Helper()
		inputs := seen(rows...)
		switch err := keepPairs(inputs); {
		case strict == 0 && !errors.Is(err, ErrDisagree), strict > 0 && (err != nil || len(inputs.Pairs) != strict):
			t.Errorf("%d pairs, %v, want %d", len(inputs.Pairs), err, strict)
		}
		inputs = seen(rows...)
		if kept := keepSome(inputs); kept != (some > 0) || kept && len(inputs.Pairs) != some {
			t.Errorf("of a derived one %d pairs, %t, want %d", len(inputs.Pairs), kept, some)
		}
	}
	f(4, 4, []float32{.4, .2, .2, .2}, []float32{.2, .4, .2, .3}, []float32{.3, .1, .4, .3}, []float32{.2, .2, .2, .5})
	f(3, 3, []float32{.4, .2, .2, .5}, []float32{.2, .4, .2, .3}, []float32{.3, .1, .4, .3}, []float32{.2, .2, .2, .5})
	// Three are told apart, and the fourth sentence is near to all.
	f(0, 3, []float32{.19, .02, .04, .2}, []float32{.07, .24, .04, .29}, []float32{.16, 0, .24, .26}, []float32{.1, .13, .06, .39})
	f(0, 0, []float32{.1, .2, .3, .4}, []float32{.4, .1, .2, .3}, []float32{.4, .3, .1, .2}, []float32{.4, .3, .2, .1})
}
