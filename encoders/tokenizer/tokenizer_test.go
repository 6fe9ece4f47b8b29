package tokenizer

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// field changes one value of a tokenizer.json; nil takes it away.
func field(t testing.TB, data []byte, value any, path ...string) []byte {
	t.Helper()
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	at := file
	for _, name := range path[:len(path)-1] {
		at = at[name].(map[string]any)
	}
	if name := path[len(path)-1]; value == nil {
		delete(at, name)
	} else {
		at[name] = value
	}
	changed, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

type object = map[string]any

// TestNotSupported checks that an error names file, section and type.
func TestNotSupported(t *testing.T) {
	clip, siglip, bert := unpacked(t, "testdata/clip.json.gz"), unpacked(t, "testdata/siglip2.json.gz"), unpacked(t, "testdata/bert.json.gz")
	f := func(data []byte, want string) {
		t.Helper()
		_, err := FromJSON(data, configuration("!"), Options{Context: 64})
		if err == nil || !strings.Contains(err.Error(), "tokenizer.json: "+want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(nil, "is not JSON")
	f([]byte("[]"), "is not an object")
	f([]byte("{}"), "model: is not an object")
	f([]byte(`{"model": {"type": "BPE"}}`), "model: has no vocab")
	f([]byte(`{"model": {}, "model": {}}`), `"model" stands twice`)
	f([]byte("{\"version\": \"\xff\"}"), "is not JSON")
	f(field(t, clip, 1, "extra"), `"extra" is not known here`)
	f(field(t, clip, 1, "model", "extra"), `model: "extra" is not known here`)
	f(field(t, clip, object{"direction": "Left"}, "truncation"), `truncation: direction "Left" is not supported`)
	f(field(t, clip, object{"direction": "Left"}, "padding"), `padding: direction "Left" is not supported`)
	f(field(t, clip, object{"type": "Nmt"}, "normalizer"), `normalizer: type "Nmt" is not supported`)
	f(field(t, clip, object{"type": "Strip", "strip": true}, "normalizer"), `normalizer: json: unknown field "strip"`)
	f(field(t, clip, object{"type": "Sequence", "normalizers": []any{object{"type": "NFC"}, object{"type": "Prepend"}}}, "normalizer"),
		`normalizer: type Sequence: 1: type "Prepend" is not supported`)
	f(field(t, clip, object{"type": "Replace", "pattern": object{"Regex": "a+"}, "content": ""}, "normalizer"),
		`normalizer: pattern "a+" is not supported`)
	f(field(t, clip, object{"type": "Precompiled", "precompiled_charsmap": "AAAA"}, "normalizer"), "normalizer: precompiled_charsmap has no size")
	f(field(t, clip, object{"type": "Precompiled", "precompiled_charsmap": "/////wAA"}, "normalizer"), "normalizer: precompiled_charsmap is cut off")
	f(field(t, clip, object{"type": "BertNormalizer"}, "normalizer"), "normalizer: type BertNormalizer is supported before a BertPreTokenizer only")
	f(field(t, clip, object{"type": "Whitespace"}, "pre_tokenizer"), `pre_tokenizer: type "Whitespace" is not supported`)
	f(field(t, clip, object{"type": "ByteLevel", "add_prefix_space": false}, "pre_tokenizer"), "pre_tokenizer: type ByteLevel is supported")
	f(field(t, clip, object{"type": "Split", "pattern": object{"Regex": `\d`}, "behavior": "Isolated"}, "pre_tokenizer"),
		`pre_tokenizer: type Split: with behavior "Isolated" and invert false: pattern "\\d" is not supported`)
	f(field(t, clip, object{"type": "Metaspace", "replacement": "_"}, "pre_tokenizer"), `pre_tokenizer: type Metaspace: replacement "_"`)
	f(field(t, clip, object{"type": "BertPreTokenizer"}, "pre_tokenizer"), `normalizer: type "Sequence" is not supported before a BertPreTokenizer`)
	f(field(t, clip, object{"type": "Sequence"}, "post_processor"), `post_processor: type "Sequence" is not supported`)
	f(field(t, clip, object{"type": "TemplateProcessing", "single": []any{}}, "post_processor"), "post_processor: template has the text 0 times")
	f(field(t, clip, "WordLevel", "model", "type"), `model: type "WordLevel" is not supported`)
	f(field(t, clip, "Unigram", "model", "type"), `model: type "Unigram" is not supported with a ByteLevel`)
	f(field(t, clip, 0.1, "model", "dropout"), "model: type BPE with dropout")
	f(field(t, clip, nil, "model", "merges"), "model: type BPE has no merges")
	f(field(t, clip, []string{"q q"}, "model", "merges"), `model: merges: "q" and "q" are not pieces`)
	f(field(t, clip, []string{"i n", "i n"}, "model", "merges"), `model: merges: "i" and "n" stand twice`)
	f(field(t, clip, object{"a": 1, "b": 1}, "model", "vocab"), "model: vocab: number 1 stands twice")
	f(field(t, clip, object{"a": -1}, "model", "vocab"), `model: vocab: "a" has no number`)
	f(field(t, clip, object{"a": 1e9}, "model", "vocab"), `model: vocab: "a" has no number`)
	f(field(t, clip, "[?]", "model", "unk_token"), `model: unk_token: vocab has no piece "[?]"`)
	f(field(t, clip, []any{object{"id": 1, "content": "<x>", "lstrip": true}}, "added_tokens"), `added_tokens: "<x>": single_word`)
	f(field(t, siglip, "</w>", "model", "end_of_word_suffix"), "model: type BPE with end_of_word_suffix")
	f(field(t, bert, object{"type": "WhitespaceSplit"}, "pre_tokenizer"), "normalizer: type BertNormalizer is supported before")
	f(field(t, bert, object{"type": "BertNormalizer", "lowercase": true}, "normalizer"), "normalizer: type BertNormalizer is supported with clean_text")
	f(field(t, bert, object{"[UNK]": 0}, "model", "vocab"), `has no piece "!", which tokenizer_config.json fills up with`)
	f(unpacked(t, "testdata/clip.json.gz")[:5000], "is not JSON")
}

func TestBadOptionsAndConfigurations(t *testing.T) {
	f := func(config string, options Options, want string) {
		t.Helper()
		_, err := FromJSON(unpacked(t, "testdata/nllb.json.gz"), []byte(config), options)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	good := string(configuration("<pad>"))
	f(good, Options{}, "context of 0 pieces is not within")
	f(good, Options{Context: 1 << 30}, "is not within 1 and 8192")
	f(good, Options{Context: 2}, "post_processor: context of 2 pieces has no room for a word")
	f(good, Options{Context: 64, Language: "deu_Latn"}, `post_processor: there is no language "deu_Latn"`)
	f("", Options{Context: 64}, "tokenizer_config.json: ")
	f("{}", Options{Context: 64}, "tokenizer_config.json: pad_token: is missing")
	f(`{"pad_token": null}`, Options{Context: 64}, "tokenizer_config.json: pad_token: is missing")
	f(`{"pad_token": "<pad>", "padding_side": "left"}`, Options{Context: 64}, `tokenizer_config.json: padding_side: "left" is not supported`)
	f(`{"pad_token": "nope"}`, Options{Context: 64}, `tokenizer.json: has no piece "nope"`)
	if _, err := FromJSON(unpacked(t, "testdata/nllb.json.gz"), []byte(`{"pad_token": {"content": "<pad>"}}`), Options{Context: 64}); err != nil {
		t.Error(err)
	}
}

// TestCutAndFill checks that the end piece survives a cut and where the mask ends.
func TestCutAndFill(t *testing.T) {
	clip := open(t, "clip", Options{Context: 8})
	start, end := clip.before[0], clip.after[0]
	ids, mask := clip.Encode("a a a a a a a a a a")
	if ids[0] != start || ids[7] != end || ids[1] != ids[6] || slices.Contains(mask, 0) {
		t.Errorf("cut: %v, mask %v", ids, mask)
	}
	ids, mask = clip.Encode("a")
	if want := []int32{start, ids[1], end, end, end, end, end, end}; !slices.Equal(ids, want) {
		t.Errorf("filled up: %v, want %v", ids, want)
	}
	if want := []int32{1, 1, 1, 0, 0, 0, 0, 0}; !slices.Equal(mask, want) {
		t.Errorf("mask %v, want %v", mask, want)
	}
}

func TestLanguage(t *testing.T) {
	english, _ := open(t, "nllb", Options{Context: 8}).Encode("dog")
	french, _ := open(t, "nllb", Options{Context: 8, Language: "fra_Latn"}).Encode("dog")
	if english[0] != 4 || french[0] != 5 || !slices.Equal(english[1:], french[1:]) {
		t.Errorf("English %v, French %v", english, french)
	}
}

// TestSpecialNamesAreText checks that no text reaches a special piece by its name.
func TestSpecialNamesAreText(t *testing.T) {
	names := map[string]string{"clip": "<|endoftext|>", "siglip": "a </s> b", "siglip2": "<eos>", "xlmr": "<mask> </s>", "nllb": "fra_Latn</s>", "bert": "[SEP] [MASK]"}
	for _, kind := range kinds {
		tokenizer := open(t, kind.name, Options{Context: 32})
		ids, mask := tokenizer.Encode(names[kind.name])
		count := slices.Index(mask, 0)
		inside := ids[len(tokenizer.before) : count-len(tokenizer.after)]
		for _, id := range inside {
			if slices.Contains(tokenizer.after, id) || kind.name == "nllb" && id == 5 || kind.name == "bert" && id == 4 {
				t.Errorf("%s: %q is %v", kind.name, names[kind.name], inside)
			}
		}
	}
}

// TestKeptPieces checks added pieces that are not special: they are found in a text
// first, the longest from the left.
func TestKeptPieces(t *testing.T) {
	data := unpacked(t, "testdata/nllb.json.gz")
	added := []any{object{"id": 1, "content": "<pad>", "special": true}, object{"id": 6000, "content": "<b>"}, object{"id": 6001, "content": "<b><i>"}}
	tokenizer, err := FromJSON(field(t, data, added, "added_tokens"), configuration("<pad>"), Options{Context: 16})
	if err != nil {
		t.Fatal(err)
	}
	ids, _ := tokenizer.Encode("<b><i><b>dog<b")
	plain, _ := tokenizer.Encode("dog<b")
	if ids[1] != 6001 || ids[2] != 6000 || !slices.Equal(ids[3:8], plain[1:6]) {
		t.Errorf("%v, and without kept pieces %v", ids, plain)
	}
}

// hostile texts are long, damaged or repetitive.
func hostile() map[string]string {
	const size = 10 << 20
	dice := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, size)
	for i := range noise {
		noise[i] = byte(dice.Uint32())
	}
	return map[string]string{
		"letters": strings.Repeat("a", size), "noise": string(noise), "zeros": strings.Repeat("\x00", size),
		"marks": "e" + strings.Repeat("\u0301", size/2), "escapes": "&" + strings.Repeat("amp;", size/4),
		"spaces": strings.Repeat(" ", size) + "dog", "joined emoji": strings.Repeat("👩\u200d", size/7),
		"words": strings.Repeat("dog ", size/4), "underlines": strings.Repeat("▁", size/3),
		"final sigmas": strings.Repeat("Σ", size/2), "terminal": strings.Repeat("\x1b[1", size/3),
		"wide": strings.Repeat("ﷺ", size/3), "half a character": strings.Repeat("\xf0\x9f", size/2),
	}
}

// TestHostileTexts bounds the time of any text of 10 MB. The bound is far above the
// 20 ms that it takes, and below what a quadratic step over 64 KiB would.
func TestHostileTexts(t *testing.T) {
	texts := hostile()
	for _, kind := range kinds {
		tokenizer := open(t, kind.name, Options{Context: 64, Canonicalize: kind.canonicalize})
		for name, text := range texts {
			begin := time.Now()
			ids, _ := tokenizer.Encode(text)
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("%s, %s: %v", kind.name, name, took)
			}
			if len(ids) != 64 {
				t.Errorf("%s, %s: %d pieces", kind.name, name, len(ids))
			}
		}
	}
}

func FuzzTokenizers(f *testing.F) {
	texts, _ := goldens(f, "clip")
	for _, text := range texts {
		f.Add(text)
	}
	f.Add("\xff\xfe<pad>\x00</s> ▁▁ &#0; &#xD800; &#1114112;")
	var tokenizers []*Tokenizer
	for _, kind := range kinds {
		tokenizers = append(tokenizers, open(f, kind.name, Options{Context: 16, Canonicalize: kind.canonicalize}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, tokenizer := range tokenizers {
			ids, mask := tokenizer.Encode(text)
			if len(ids) != 16 || len(mask) != 16 || slices.Min(ids) < 0 || slices.Max(ids) > 6000 {
				t.Fatalf("%s: %q is %v, mask %v", kinds[i].name, text, ids, mask)
			}
			count := slices.Index(append(mask, 0), 0)
			if end := tokenizer.after; !slices.Equal(ids[count-len(end):count], end) {
				t.Fatalf("%s: %q is %v, without its end", kinds[i].name, text, ids)
			}
			if again, _ := tokenizer.Encode(" " + text + " "); !slices.Equal(ids, again) {
				t.Fatalf("%s: spaces around it turn %q from %v into %v", kinds[i].name, text, ids, again)
			}
		}
	})
}

// tiny are tokenizer.json files small enough to be changed at random with effect.
var tiny = []string{
	`{"version":"1.0","truncation":null,"padding":{"direction":"Right"},"added_tokens":[{"id":0,"content":"<pad>","special":true},{"id":9,"content":"<b>"}],
"normalizer":{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAABhAA=="},{"type":"Strip","strip_left":true,"strip_right":true}]},
"pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":true},
"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],"special_tokens":{"</s>":{"id":"</s>","ids":[1],"tokens":["</s>"]}}},
"model":{"type":"Unigram","unk_id":2,"byte_fallback":true,"vocab":[["<pad>",0],["</s>",0],["<unk>",0.5],["▁",-2],["a",-1],["\u0062",-3e0],["<0x63>",-1]]}}`,
	`{"added_tokens":[{"id":5,"content":"<pad>","special":true}],
"normalizer":{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},
"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false}]},
"post_processor":{"type":"RobertaProcessing","sep":["a",0],"cls":["b",1]},
"model":{"unk_token":"a","end_of_word_suffix":"</w>","vocab":{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,"<pad>":5},"merges":["a b</w>"]}}`,
	`{"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":9,"vocab":{"[UNK]":0,"a":1,"##b":2,"<pad>":3}}}`,
}

func FuzzFromJSON(f *testing.F) {
	for _, data := range tiny {
		f.Add([]byte(data), []byte(`{"pad_token":"<pad>"}`))
	}
	f.Fuzz(func(t *testing.T, data, config []byte) {
		tokenizer, err := FromJSON(data, config, Options{Context: 16})
		if err != nil {
			return
		}
		for _, text := range []string{"", "ab abc <b> b's", "\xff犬\x00"} {
			if ids, _ := tokenizer.Encode(text); len(ids) != 16 || slices.Min(ids) < 0 || slices.Max(ids) >= mostPieces {
				t.Fatalf("%q is %v", text, ids)
			}
		}
	})
}

func TestTiny(t *testing.T) {
	want := [][]int32{{3, 4, 6, 3, 2, 1}, {1, 4, 0, 0, 5}, {1, 2, 0}}
	for i, data := range tiny {
		tokenizer, err := FromJSON([]byte(data), []byte(`{"pad_token":"<pad>"}`), Options{Context: 16})
		if err != nil {
			t.Fatal(err)
		}
		if ids, mask := tokenizer.Encode("ac d"); i == 0 && !slices.Equal(ids[:slices.Index(mask, 0)], want[i]) {
			t.Errorf("%d: %v, want %v", i, ids, want[i])
		}
		if ids, _ := tokenizer.Encode("ab x"); i > 0 && !slices.Equal(ids[:len(want[i])], want[i]) {
			t.Errorf("%d: %v, want %v", i, ids, want[i])
		}
	}
}

// large is a tokenizer.json of so many pieces, each the merge of two before it.
func large(pieces int) []byte {
	var vocabulary, merges strings.Builder
	words := []string{"!"}
	for c := 'a'; c <= 'z'; c++ {
		words = append(words, string(c))
	}
	for i := 0; len(words) < pieces; i++ {
		for c := 'a'; c <= 'z' && len(words) < pieces; c++ {
			fmt.Fprintf(&merges, `,["%s","%c"]`, words[i+1], c)
			words = append(words, words[i+1]+string(c))
		}
	}
	for i, word := range words {
		fmt.Fprintf(&vocabulary, `,"%s":%d`, word, i)
	}
	return fmt.Appendf(nil, `{"model":{"type":"BPE","vocab":{%s},"merges":[%s]}}`, vocabulary.String()[1:], merges.String()[1:])
}

// BenchmarkFromJSON also reports the heap that a loaded tokenizer keeps.
func BenchmarkFromJSON(b *testing.B) {
	files := map[string]func(testing.TB) []byte{
		"256,000 merged pieces": func(testing.TB) []byte { return large(256_000) },
		"250,000 scored pieces": func(testing.TB) []byte { return largeUnigram(250_000) },
		"CLIP's":                wholeCLIPFile,
	}
	for name, file := range files {
		b.Run(name, func(b *testing.B) {
			data := file(b)
			b.SetBytes(int64(len(data)))
			var loaded *Tokenizer
			before := heap()
			for b.Loop() {
				var err error
				if loaded, err = FromJSON(data, configuration("!"), Options{Context: 64}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(heap()-before)/(1<<20), "kept-MiB")
			runtime.KeepAlive(loaded)
		})
	}
}

func heap() int64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc)
}

// largeUnigram is a tokenizer.json of so many scored pieces of a few syllables.
func largeUnigram(pieces int) []byte {
	var vocabulary strings.Builder
	for i := range pieces {
		word := ""
		for rest := i; rest > 0 || word == ""; rest /= 50 {
			word += string("bcdfghklmn"[rest%10]) + string("aeiou"[rest/10%5])
		}
		fmt.Fprintf(&vocabulary, `,["%s",%.10f]`, word, -float64(i)/1e4)
	}
	return fmt.Appendf(nil, `{"model":{"type":"Unigram","unk_id":0,"vocab":[["?",0],["!",0]%s]}}`, vocabulary.String())
}

func BenchmarkEncode(b *testing.B) {
	for _, kind := range kinds {
		tokenizer := open(b, kind.name, Options{Context: 64, Canonicalize: kind.canonicalize})
		for name, text := range map[string]string{"ASCII": "two dogs running on the beach at sunset", "accents": "café “naïve” — zwei Hunde läuft über’s Feld 🌅"} {
			b.Run(kind.name+" "+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					tokenizer.Encode(text)
				}
			})
		}
	}
}
