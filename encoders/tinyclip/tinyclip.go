// Package tinyclip writes a CLIP of a few hundred kilobytes with random weights,
// in the layout in which models lie on a hub, for tests and benches of whatever
// loads, swaps or serves encoders. Its picture tower is a random projection that
// knows colours and shapes a little; its text tower knows a few dozen words, whose
// vectors are those of the pictures they name. So a red photo is found by "red",
// and the drawn golden things by their sentences.
package tinyclip

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vsed/encoders/onnx"
)

// Options choose among the forms in which models are about.
type Options struct {
	// Newer is the layout's second generation: uint8 pixels, channels innermost,
	// mean and deviation folded in, vectors of unit length, opset 21, weights in
	// files of their own. The first takes float pixels and gives vectors of any
	// length.
	Newer bool
	// Half keeps weights, input and output in float16; first generation only.
	Half bool
	// Masked gives the text graph the inputs of multilingual models: piece numbers
	// and mask, int64.
	Masked bool
	// Spoken puts a language's piece before each text, as NLLB does; there are
	// eng_Latn and deu_Latn.
	Spoken bool
	// Single fixes the picture graph to one picture a run.
	Single bool
	// Side of a picture in pixels, a multiple of 8; 0 means 32.
	Side int
	// Dimensions of a vector; 0 means 64.
	Dimensions int
	// Seed of the weights: another one is another space.
	Seed uint64
}

// Context is the number of pieces that a text has.
const Context = 16

// The channels' mean and deviation, CLIP's own.
var (
	mean      = [3]float32{0.48145466, 0.4578275, 0.40821073}
	deviation = [3]float32{0.26862954, 0.26130258, 0.27577711}
)

// Write writes the model into a folder as it lies on a hub; an encoder plugin's
// --adopt makes a bundle of it.
func Write(folder string, o Options) error {
	if o.Side == 0 {
		o.Side = 32
	}
	if o.Dimensions == 0 {
		o.Dimensions = 64
	}
	if o.Side%patch != 0 || o.Side < 0 || o.Dimensions < 8 || (o.Newer && o.Half) {
		return errors.New("tinyclip: side, dimensions or generation cannot be made")
	}
	tower := newTower(o)
	words := newVocabulary(o.Spoken)
	if err := writeTexts(folder, o, words); err != nil {
		return err
	}
	if err := writeGraph(folder, "visual", o.Newer, tower.graph()); err != nil {
		return err
	}
	return writeGraph(folder, "textual", o.Newer, textGraph(o, words.embeddings(tower)))
}

// writeTexts writes the configuration and the tokenizer.
func writeTexts(folder string, o Options, words *vocabulary) error {
	for name, content := range map[string]any{
		"config.json": object{
			"embed_dim":  o.Dimensions,
			"vision_cfg": object{"image_size": o.Side, "patch_size": patch},
			"text_cfg":   object{"context_length": Context, "vocab_size": len(words.ids)},
		},
		"visual/preprocess_cfg.json": object{
			"size": []int{o.Side, o.Side}, "mode": "RGB", "mean": mean, "std": deviation,
			"interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0,
		},
		"textual/tokenizer.json":        words.tokenizer(),
		"textual/tokenizer_config.json": object{"pad_token": padding, "tokenizer_class": "CLIPTokenizer"},
	} {
		if err := writeJSON(filepath.Join(folder, filepath.FromSlash(name)), content); err != nil {
			return err
		}
	}
	return nil
}

// writeGraph writes model.onnx into the tower's folder, and where asked its
// weights beside it.
func writeGraph(folder, tower string, newer bool, graph *onnx.Graph) error {
	opset, weightsFile := int64(onnx.Opset), ""
	if newer {
		opset, weightsFile = 21, "model.onnx.data"
	}
	model, weights, err := graph.MarshalApart(opset, weightsFile)
	if err != nil {
		return fmt.Errorf("tinyclip: %w", err)
	}
	folder = filepath.Join(folder, tower)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if newer {
		if err := os.WriteFile(filepath.Join(folder, weightsFile), weights, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "model.onnx"), model, 0o644)
}
