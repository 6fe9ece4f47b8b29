package joint

import (
	"vsed/training/graph"
	"vsed/training/loss"
)

// build writes the graph of a step. Captioned pictures come first, then tagged ones;
// the tag vectors, where captioned pictures have them too, likewise.
func (s Settings) build(sizes Sizes) (*graph.Model, error) {
	g := graph.New("joint")
	count := s.Captioned + s.Tagged
	pictures := g.Input("pictures", count, sizes.Picture)
	if s.Noise > 0 {
		pictures = g.Dropout(pictures, g.Input("pictures.clear", count, sizes.Picture))
	}
	pictures = linear(g, pictureLayer, pictures, sizes.Picture, sizes.Joint)
	b := &builder{g, s, nil}
	if s.Loss == "vse++" {
		b.hardness = g.Input("hardness", 1)
	}
	var terms []*graph.Value
	add := func(weight float64, from, size int, texts *graph.Value, mask string) {
		shown := pictures
		if size < count {
			shown = g.Slice(pictures, 0, from, from+size)
		}
		terms = append(terms, g.Scale(b.loss(shown, texts, g.Mask(mask, size, size)), weight))
	}
	if s.Captioned > 0 && s.Captions > 0 {
		texts := sizes.sentences(g, b.rows("words", s.Length*s.Captioned, sizes.Word), g.Input("padding", s.Length, s.Captioned), s.Length)
		add(s.Captions, 0, s.Captioned, texts, "captions.negatives")
	}
	if own := s.ownTags(); own+s.Tagged > 0 {
		texts := linear(g, tagsLayer, b.rows("tags", own+s.Tagged, sizes.Word), sizes.Word, sizes.Joint)
		parts := []*graph.Value{texts}
		if own > 0 && s.Tagged > 0 {
			parts = g.Split(texts, 0, own, s.Tagged)
		}
		if own > 0 {
			add(s.Tags, 0, own, parts[0], "tags.negatives")
		}
		if s.Tagged > 0 {
			add(s.Web, s.Captioned, s.Tagged, parts[len(parts)-1], "web.negatives")
		}
	}
	total := terms[0]
	for _, term := range terms[1:] {
		total = g.Add(total, term)
	}
	return g.Training(total)
}

// ownTags is how many captioned pictures of a step have their pseudo tags learned.
func (s Settings) ownTags() int {
	if s.Tags > 0 {
		return s.Captioned
	}
	return 0
}

type builder struct {
	*graph.Graph
	settings Settings
	hardness *graph.Value
}

// rows declares looked-up words, which are learned unless they stay.
func (b *builder) rows(name string, count, width int) *graph.Value {
	if b.settings.FixedWords {
		return b.Input(name, count, width)
	}
	return b.Variable(name, count, width)
}

func (b *builder) loss(pictures, texts, negatives *graph.Value) *graph.Value {
	s, scores := b.settings, b.MatMulTransposed(pictures, texts)
	switch s.Loss {
	case "vse":
		return loss.SumOfHinges(b.Graph, scores, negatives, s.Margin)
	case "vse++":
		return loss.Hinges(b.Graph, scores, negatives, b.hardness, s.Margin)
	case "weighted":
		return loss.Weighted(b.Graph, scores, negatives, s.Margin, 1)
	}
	return loss.Contrastive(b.Graph, b.Scale(scores, 1/s.Temperature), negatives)
}
