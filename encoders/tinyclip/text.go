package tinyclip

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vsed/encoders/onnx"
)

type object map[string]any

func writeJSON(path string, content any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// Special pieces, as CLIP has them.
const (
	begin   = "<|startoftext|>"
	end     = "<|endoftext|>"
	padding = "!"
	wordEnd = "</w>"
)

// fillers are words that mean nothing here.
var fillers = []string{"a", "the", "photo", "of", "picture", "wall", "something", "in", "on", "with"}

// languages have a piece each where a text has one before it.
var languages = []string{"eng_Latn", "deu_Latn"}

// vocabulary is a byte pair encoding in which each known word is one piece.
type vocabulary struct {
	ids     map[string]int
	merges  []string
	special []string
}

func newVocabulary(spoken bool) *vocabulary {
	v := &vocabulary{ids: map[string]int{}, special: []string{begin, end}}
	if spoken {
		v.special = append(v.special, languages...)
	}
	for _, letter := range byteLetters() {
		v.add(letter)
	}
	for _, letter := range byteLetters() {
		v.add(letter + wordEnd)
	}
	v.learn(knownWords())
	for _, piece := range v.special {
		v.add(piece)
	}
	return v
}

func (v *vocabulary) add(piece string) { v.ids[piece] = len(v.ids) }

// knownWords are all words with a piece of their own, sorted.
func knownWords() []string {
	words := slices.Concat(fillers, slices.Collect(maps.Keys(colours)))
	for _, named := range things {
		words = append(words, named...)
	}
	slices.Sort(words)
	return words
}

// byteLetters are the characters that stand for bytes: printable ones for
// themselves and first, the others for the characters from 256 on.
func byteLetters() []string {
	var letters []string
	for b := range 256 {
		if b >= '!' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' {
			letters = append(letters, string(rune(b)))
		}
	}
	for next := 256; len(letters) < 256; next++ {
		letters = append(letters, string(rune(next)))
	}
	return letters
}

// learn merges the most frequent pair, the first in order among equals, until
// each word is one piece.
func (v *vocabulary) learn(words []string) {
	split := make([][]string, len(words))
	for i, word := range words {
		split[i] = strings.Split(word, "")
		split[i][len(split[i])-1] += wordEnd
	}
	for {
		counts := map[[2]string]int{}
		for _, pieces := range split {
			for i := range len(pieces) - 1 {
				counts[[2]string{pieces[i], pieces[i+1]}]++
			}
		}
		if len(counts) == 0 {
			return
		}
		best := slices.MaxFunc(slices.Collect(maps.Keys(counts)), func(a, b [2]string) int {
			if counts[a] != counts[b] {
				return counts[a] - counts[b]
			}
			return strings.Compare(b[0]+" "+b[1], a[0]+" "+a[1])
		})
		v.merges = append(v.merges, best[0]+" "+best[1])
		v.add(best[0] + best[1])
		for i := range split {
			split[i] = merged(split[i], best)
		}
	}
}

func merged(pieces []string, pair [2]string) []string {
	var joined []string
	for i := 0; i < len(pieces); i++ {
		if i+1 < len(pieces) && pieces[i] == pair[0] && pieces[i+1] == pair[1] {
			joined = append(joined, pair[0]+pair[1])
			i++
			continue
		}
		joined = append(joined, pieces[i])
	}
	return joined
}

// tokenizer is a tokenizer.json as CLIP's.
func (v *vocabulary) tokenizer() object {
	var special []object
	for _, piece := range v.special {
		special = append(special, object{
			"id": v.ids[piece], "content": piece, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
		})
	}
	const words = `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
	return object{
		"version": "1.0", "truncation": nil, "padding": nil,
		"added_tokens": special,
		"normalizer": object{"type": "Sequence", "normalizers": []object{
			{"type": "NFC"}, {"type": "Replace", "pattern": object{"Regex": `\s+`}, "content": " "}, {"type": "Lowercase"},
		}},
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": words}, "behavior": "Removed", "invert": true},
			{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
		}},
		"post_processor": v.template(),
		"decoder":        nil,
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": end, "continuing_subword_prefix": "", "end_of_word_suffix": wordEnd,
			"fuse_unk": false, "vocab": v.ids, "merges": v.merges,
		},
	}
}

// template says what stands around a text.
func (v *vocabulary) template() object {
	if len(v.special) == 2 {
		return object{
			"type": "RobertaProcessing", "sep": []any{end, v.ids[end]}, "cls": []any{begin, v.ids[begin]},
			"trim_offsets": false, "add_prefix_space": false,
		}
	}
	tokens := object{}
	for _, piece := range []string{languages[0], end} {
		tokens[piece] = object{"id": piece, "ids": []int{v.ids[piece]}, "tokens": []string{piece}}
	}
	special := func(piece string) object { return object{"SpecialToken": object{"id": piece, "type_id": 0}} }
	single := []object{special(languages[0]), {"Sequence": object{"id": "A", "type_id": 0}}, special(end)}
	return object{"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": tokens}
}

// noise is the length of the vector of a piece that means nothing, of those that
// name a picture 1.
const noise = 0.05

// embeddings are the pieces' vectors, row by row.
func (v *vocabulary) embeddings(t *tower) []float32 {
	width := t.options.Dimensions
	random := rand.New(rand.NewPCG(t.options.Seed, 3))
	values := gaussian(random, len(v.ids)*width, noise/8)
	clear(values[v.ids[padding]*width:][:width])
	for word, picture := range t.pictures() {
		copy(values[v.ids[word+wordEnd]*width:], t.vector(picture))
	}
	return values
}

// textGraph sums the vectors of a text's pieces.
func textGraph(o Options, embeddings []float32) *onnx.Graph {
	g := onnx.NewGraph("tinyclip-textual")
	width := int64(o.Dimensions)
	table := g.Constant(onnx.Float32s(embeddings, int64(len(embeddings))/width, width))
	pieces := maskedPieces
	if !o.Masked {
		pieces = plainPieces
	}
	sum := []*onnx.Value{pieces(g, table), g.Constant(onnx.Int64s([]int64{1}, 1))}
	if o.Newer {
		g.Output(unit(g, "embedding", g.Op("ReduceSum", sum, onnx.Int("keepdims", 0))), nil)
	} else {
		g.Output(g.Named("embedding", "ReduceSum", sum, onnx.Int("keepdims", 0)), nil)
	}
	return g
}

// plainPieces looks the pieces up, [N, Context, width].
func plainPieces(g *onnx.Graph, table *onnx.Value) *onnx.Value {
	return lookUp(g, table, g.Input("text", onnx.Int32, textShape()))
}

// maskedPieces also sets those that only fill up to zero.
func maskedPieces(g *onnx.Graph, table *onnx.Value) *onnx.Value {
	pieces := lookUp(g, table, g.Input("input_ids", onnx.Int64, textShape()))
	used := g.Op("Cast", []*onnx.Value{g.Input("attention_mask", onnx.Int64, textShape())}, onnx.Int("to", int64(onnx.Float32)))
	used = g.Op("Unsqueeze", []*onnx.Value{used, g.Constant(onnx.Int64s([]int64{2}, 1))})
	return g.Op("Mul", []*onnx.Value{pieces, g.As(used, onnx.Float32, append(textShape(), onnx.Fixed(1)))})
}

func lookUp(g *onnx.Graph, table, ids *onnx.Value) *onnx.Value {
	return g.As(g.Op("Gather", []*onnx.Value{table, ids}), onnx.Float32, append(textShape(), table.Shape()[1]))
}

func textShape() onnx.Shape { return onnx.Shape{onnx.Symbol("N"), onnx.Fixed(Context)} }
