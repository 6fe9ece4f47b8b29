package joint

import (
	"fmt"
	"slices"
)

// Losses are the names that Settings.Loss may have: VSE's sum of hinges, VSE++'s
// largest hinge, the weighted ranking loss, and the contrastive one of today.
func Losses() []string { return []string{"vse", "vse++", "weighted", "contrastive"} }

// Settings are those of a stage. A step of stage I has captioned pictures alone; one of
// stage II has tagged ones, and captioned ones beside them where they are replayed.
type Settings struct {
	Loss        string  `toml:"loss" json:"loss"`
	Margin      float64 `toml:"margin" json:"margin"`
	Temperature float64 `toml:"temperature" json:"temperature"` // divides the scores of the contrastive loss

	Epochs    int     `toml:"epochs" json:"epochs"`       // over the captions in stage I, over the tagged pictures in stage II
	PerEpoch  int     `toml:"steps" json:"steps"`         // of an epoch, so that sets of different size are learned from for as long; 0: once over them
	Captioned int     `toml:"captioned" json:"captioned"` // pairs a step; in stage II those that are replayed
	Tagged    int     `toml:"tagged" json:"tagged"`       // pictures a step; 0: this is stage I
	Captions  float64 `toml:"captions" json:"captions"`   // λ1, of captioned pictures and their captions
	Tags      float64 `toml:"tags" json:"tags"`           // λ2, of captioned pictures and their pseudo tags
	Web       float64 `toml:"web" json:"web"`             // of tagged pictures and their tags
	Seed      uint64  `toml:"seed" json:"seed"`

	Rate       float64 `toml:"rate" json:"rate"`
	TenthAfter int     `toml:"tenth_after" json:"tenth_after"` // epochs, after each so many of which the rate is divided by ten
	Decay      float64 `toml:"decay" json:"decay"`             // AdamW's
	Clip       float64 `toml:"clip" json:"clip"`               // of the gradient's norm
	WarmUp     int     `toml:"warm_up" json:"warm_up"`         // epochs in which VSE++ goes from the sum to the maximum
	Noise      float64 `toml:"noise" json:"noise"`             // dropout of the pictures' values
	Unknown    float64 `toml:"unknown" json:"unknown"`         // part of the captions' words that are learned from as unknown ones
	FixedWords bool    `toml:"fixed_words" json:"fixed_words"` // the words' vectors stay

	// MostTags of a picture, drawn anew at each step, make its tag vector; 0: all.
	MostTags int `toml:"most_tags" json:"most_tags"`
	// Sharing says which pictures are no wrong answers to a tag vector: "any", those
	// that have one of its tags; "all", those that have all of them.
	Sharing string `toml:"sharing" json:"sharing"`
	// Curriculum is the part of the epochs in which tagged pictures come in, those with
	// frequent tags first; 0: all are there from the start.
	Curriculum float64 `toml:"curriculum" json:"curriculum"`
	// Length is how many steps the GRU takes at most; what a sentence has more is cut.
	Length  int `toml:"length" json:"length"`
	Threads int `toml:"threads" json:"threads"`
}

// Sharings are the names that Settings.Sharing may have.
func Sharings() []string { return []string{"any", "all"} }

// Check covers what needs no data; Run.Learn asks, too.
func (s Settings) Check() error {
	switch {
	case !slices.Contains(Losses(), s.Loss):
		return fmt.Errorf("loss %q is none of %v", s.Loss, Losses())
	case !slices.Contains(Sharings(), s.Sharing):
		return fmt.Errorf("sharing %q is none of %v", s.Sharing, Sharings())
	case s.Loss == "contrastive" && !(s.Temperature > 0):
		return fmt.Errorf("the temperature is %v: it must be above 0", s.Temperature)
	case s.Epochs < 1 || s.Length < 2:
		return fmt.Errorf("%d epochs of sentences of %d steps: one of two is the least", s.Epochs, s.Length)
	case s.Captioned == 1 || s.Tagged == 1 || s.Captioned < 0 || s.Tagged < 0 || s.Captioned+s.Tagged == 0:
		return fmt.Errorf("a step of %d captioned and %d tagged pictures: each may be 0 or from 2, one of them must be", s.Captioned, s.Tagged)
	case s.Captioned > 0 && !(s.Captions > 0) && !(s.Tags > 0) || s.Tagged > 0 && !(s.Web > 0):
		return fmt.Errorf("captions %v, tags %v and web %v: the weights of what a step has must be above 0", s.Captions, s.Tags, s.Web)
	case s.Noise < 0 || s.Noise >= 1 || s.Unknown < 0 || s.Unknown >= 1 || s.Curriculum < 0 || s.Curriculum > 1:
		return fmt.Errorf("noise %v, unknown %v and curriculum %v lie from 0 up to 1, the first two not at it", s.Noise, s.Unknown, s.Curriculum)
	case s.TenthAfter < 1 || s.WarmUp < 0 || !(s.Rate > 0) || s.MostTags < 0 || s.PerEpoch < 0:
		return fmt.Errorf("rate %v, tenth_after %d, warm_up %d, most_tags %d, steps %d: rate must be above 0, tenth_after from 1, the others not below 0",
			s.Rate, s.TenthAfter, s.WarmUp, s.MostTags, s.PerEpoch)
	case s.Margin < 0 || s.Decay < 0 || s.Clip < 0 || s.Captions < 0 || s.Tags < 0 || s.Web < 0:
		return fmt.Errorf("margin %v, decay %v, clip %v, captions %v, tags %v, web %v: none may be below 0", s.Margin, s.Decay, s.Clip, s.Captions, s.Tags, s.Web)
	case s.Length > mostLength || max(s.Captioned, s.Tagged) > mostPairs || s.Threads < 1 || s.Threads > mostThreads:
		return fmt.Errorf("length %d, captioned %d, tagged %d and threads %d: up to %d, %d, %[6]d and %d can be run, one thread at least",
			s.Length, s.Captioned, s.Tagged, s.Threads, mostLength, mostPairs, mostThreads)
	}
	return nil
}

// Bounds of what can be run: the graph has a part for each word of a sentence, and a
// step scores each pair with each.
const (
	mostLength  = 256
	mostPairs   = 1 << 13
	mostThreads = 256
)

// hardness of an epoch, from 0: 0 is the sum of hinges, 1 the largest alone. From
// scratch the largest collapses to twice the margin.
func (s Settings) hardness(epoch int) float32 {
	if epoch >= s.WarmUp {
		return 1
	}
	return float32(epoch) / float32(s.WarmUp)
}
