package stage

import (
	"fmt"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/builtin/replay"
	"vsed/training/model"
)

// FromFile gives heads to go on learning with from those that are used, and the standard
// that pictures are brought to in training.
func FromFile(file *heads.File, standard *model.Standard) (Heads, error) {
	if inputs := file.Picture.Hidden.Inputs; inputs != len(standard.Mean) || inputs != len(standard.Scale) {
		return Heads{}, fmt.Errorf("heads for %d picture values with a standard of %d: both must come from one training", inputs, len(standard.Mean))
	}
	if file.SentenceScale != model.SentenceScale {
		return Heads{}, fmt.Errorf("heads for sentences times %v: training takes them times %v", file.SentenceScale, model.SentenceScale)
	}
	return Heads{standard.Unfolded(headOf("picture", file.Picture)), headOf("sentence", file.Sentence)}, nil
}

// File gives heads in the form in which they are used, with the weight of class names
// beside them.
func (h Heads) File(standard *model.Standard, classNames float64) *heads.File {
	return &heads.File{
		SentenceScale: model.SentenceScale, ClassNames: classNames,
		Picture: layersOf(standard.Folded(h.Picture)), Sentence: layersOf(h.Sentence),
	}
}

func headOf(name string, from heads.Head) *model.Head {
	return &model.Head{
		Name: name, Sizes: model.Sizes{Inputs: from.Hidden.Inputs, Hidden: from.Hidden.Outputs, Outputs: from.Output.Outputs},
		HiddenWeights: from.Hidden.Values(), HiddenOffset: from.Hidden.Offset, Weights: from.Output.Values(), Offset: from.Output.Offset,
	}
}

func layersOf(h *model.Head) heads.Head {
	return heads.Head{
		Hidden: heads.NewLayer(h.Inputs, h.Hidden, h.HiddenWeights, h.HiddenOffset),
		Output: heads.NewLayer(h.Hidden, h.Outputs, h.Weights, h.Offset),
	}
}

// Replayed are captioned pictures from their file, as heads take them.
func Replayed(rows replay.Rows) Captioned {
	return Captioned{Pictures: rows.Pictures, Captions: model.Scaled(rows.Captions), Owner: rows.Owner}
}
