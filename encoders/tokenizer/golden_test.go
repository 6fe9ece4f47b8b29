package tokenizer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// goldenContext is the context that testdata/golden.py cuts at.
const goldenContext = 64

// kinds are the tokenizers in testdata, with what the hub's configuration says of each.
var kinds = []struct {
	name, padding string
	canonicalize  bool
}{
	{"clip", "<|endoftext|>", false},
	{"siglip", "<pad>", true},
	{"siglip2", "<pad>", true},
	{"xlmr", "<pad>", false},
	{"nllb", "<pad>", false},
	{"bert", "[PAD]", false},
}

// TestGolden compares with the reference implementations; see testdata/golden.py.
func TestGolden(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			tokenizer := open(t, kind.name, Options{Context: goldenContext, Canonicalize: kind.canonicalize})
			compare(t, tokenizer, kind.name)
		})
	}
}

// TestGoldenWholeCLIP compares with open_clip over CLIP's whole vocabulary, which
// is too large to keep here: bpe_simple_vocab_16e6.txt.gz of open-clip-torch.
func TestGoldenWholeCLIP(t *testing.T) {
	compare(t, wholeCLIP(t), "clip-full")
}

func compare(t *testing.T, tokenizer *Tokenizer, golden string) {
	t.Helper()
	texts, want := goldens(t, golden)
	for i, text := range texts {
		ids, mask := tokenizer.Encode(text)
		count := slices.Index(append(slices.Clone(mask), 0), 0)
		if !slices.Equal(ids[:count], want[i]) {
			t.Errorf("%.80q:\n got %v\nwant %v", text, ids[:count], want[i])
		}
		for j, id := range ids[count:] {
			if id != tokenizer.padding || mask[count+j] != 0 {
				t.Errorf("%.80q is filled up with %v, mask %v", text, ids[count:], mask)
				break
			}
		}
		if len(ids) != goldenContext || len(mask) != goldenContext {
			t.Errorf("%.80q has %d pieces and a mask of %d", text, len(ids), len(mask))
		}
	}
}

func goldens(t testing.TB, name string) (texts []string, ids [][]int32) {
	t.Helper()
	decode(t, "testdata/texts.json", &texts)
	decode(t, "testdata/"+name+".golden.json", &ids)
	if len(texts) < 500 || len(ids) != len(texts) {
		t.Fatalf("%d texts, %d rows of numbers", len(texts), len(ids))
	}
	return texts, ids
}

func decode(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unpacked reads a file of testdata.
func unpacked(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(packed)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// configuration is a tokenizer_config.json.
func configuration(padding string) []byte {
	return fmt.Appendf(nil, `{"pad_token": %q, "padding_side": "right", "model_max_length": 64}`, padding)
}

func open(t testing.TB, name string, options Options) *Tokenizer {
	t.Helper()
	for _, kind := range kinds {
		if kind.name == name {
			tokenizer, err := FromJSON(unpacked(t, "testdata/"+name+".json.gz"), configuration(kind.padding), options)
			if err != nil {
				t.Fatal(err)
			}
			return tokenizer
		}
	}
	t.Fatalf("no tokenizer %q", name)
	return nil
}

// wholeCLIP makes the tokenizer.json of CLIP's whole vocabulary from the small one.
func wholeCLIP(t testing.TB) *Tokenizer {
	t.Helper()
	tokenizer, err := FromJSON(wholeCLIPFile(t), configuration("!"), Options{Context: goldenContext})
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

func wholeCLIPFile(t testing.TB) []byte {
	t.Helper()
	path := os.Getenv("VSED_CLIP_VOCABULARY")
	if path == "" {
		t.Skip("VSED_CLIP_VOCABULARY does not name bpe_simple_vocab_16e6.txt.gz of open-clip-torch")
	}
	const count = 49152 - 256 - 2
	merges := strings.Split(string(unpacked(t, path)), "\n")[1 : count+1]
	var file map[string]any
	if err := json.Unmarshal(unpacked(t, "testdata/clip.json.gz"), &file); err != nil {
		t.Fatal(err)
	}
	model := file["model"].(map[string]any)
	vocabulary := model["vocab"].(map[string]any)
	for i, merge := range merges {
		vocabulary[strings.ReplaceAll(merge, " ", "")] = 512 + i
	}
	model["merges"] = merges
	vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"] = 512+count, 513+count
	file["added_tokens"] = nil
	file["post_processor"] = map[string]any{"type": "RobertaProcessing",
		"cls": []any{"<|startoftext|>", 512 + count}, "sep": []any{"<|endoftext|>", 513 + count}}
	var data bytes.Buffer
	if err := json.NewEncoder(&data).Encode(file); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}
