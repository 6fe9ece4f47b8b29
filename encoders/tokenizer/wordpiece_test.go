package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// bertVocabulary opens the vocabulary of the built-in bundle.
func bertVocabulary(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Open("../../build/encoders/builtin/vocab.txt")
	if err != nil {
		t.Skip("no built-in bundle: run `make model` first")
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// TestReference compares with the piece numbers that PyPI's tokenizers 0.23.3
// (BertWordPieceTokenizer, lower case, cut at 256) gives with the same vocabulary.
func TestReference(t *testing.T) {
	w, err := NewWordPiece(bertVocabulary(t), Rules{Context: 256, LowerCase: true})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/uncased.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Text string
		IDs  []int64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, each := range cases {
		if got := w.Encode(each.Text); !slices.Equal(got, each.IDs) {
			t.Errorf("%.60q:\n got %v\nwant %v", each.Text, got, each.IDs)
		}
	}
}

// small is a vocabulary for tests that need no model; its numbers are 0 to 9.
const small = "[UNK]\n[CLS]\n[SEP]\ndog\n##s\nrun\n##ning\n,\n狗\ne"

func smallTokenizer(t testing.TB, rules Rules) *WordPiece {
	t.Helper()
	w, err := NewWordPiece(strings.NewReader(small), rules)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestEncode(t *testing.T) {
	w := smallTokenizer(t, Rules{Context: 8, LowerCase: true})
	f := func(text string, want ...int64) {
		t.Helper()
		if got := w.Encode(text); !slices.Equal(got, want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	f("", 1, 2)
	f("Dogs, running", 1, 3, 4, 7, 5, 6, 2)
	f("dogx dog", 1, 0, 3, 2)
	f("狗狗dog", 1, 8, 8, 3, 2)
	f("É\xffe", 1, 0, 2)
	f("é", 1, 9, 2)
	f("dog dog dog dog dog dogs dog", 1, 3, 3, 3, 3, 3, 3, 2)
	f("[SEP]", 1, 0, 0, 0, 2)
	cased := smallTokenizer(t, Rules{Context: 8})
	if got := cased.Encode("Dog dog é"); !slices.Equal(got, []int64{1, 0, 3, 0, 2}) {
		t.Errorf("with capitals kept: %v", got)
	}
}

func TestBadVocabularies(t *testing.T) {
	f := func(vocabulary string, context int, want string) {
		t.Helper()
		_, err := NewWordPiece(strings.NewReader(vocabulary), Rules{Context: context})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(small, 2, "no room")
	f("[CLS]\n[SEP]", 8, "has no [UNK]")
	f("[CLS]\n[SEP]\n[CLS]", 8, `"[CLS]" stands twice`)
}

func FuzzEncode(f *testing.F) {
	for _, text := range []string{"", "dogs, running", "é\u0301\xff", "狗\x00\u200b", strings.Repeat("dog ", 50)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const context = 16
		w := smallTokenizer(t, Rules{Context: context, LowerCase: true})
		ids := w.Encode(text)
		if len(ids) < 2 || len(ids) > context || ids[0] != 1 || ids[len(ids)-1] != 2 {
			t.Fatalf("%q is %v", text, ids)
		}
		for _, id := range ids {
			if id < 0 || id > 9 {
				t.Fatalf("%q has piece %d, which is not in the vocabulary", text, id)
			}
		}
		if again := w.Encode(text + " "); !slices.Equal(ids, again) {
			t.Fatalf("a space at the end turns %v into %v", ids, again)
		}
	})
}
