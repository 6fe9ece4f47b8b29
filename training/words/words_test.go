package words_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"vsed/training/words"
)

func TestTokens(t *testing.T) {
	f := func(caption string, want ...string) {
		t.Helper()
		if got := words.Tokens(caption); !slices.Equal(got, want) {
			t.Errorf("%q has tokens %q, want %q", caption, got, want)
		}
	}
	f("A dog 's ball-game , it’s FUN ...", "a", "dog", "s", "ball-game", "it's", "fun")
	f("cafe\u0301 -- 'quoted' 3-year-old", "café", "quoted", "3-year-old")
	f("東京 タワー", "東京", "タワー")
	f(" .,- ")
}

func TestVocabulary(t *testing.T) {
	v := words.Frequent([]string{"a dog runs", "a dog sits", "The dog runs ."}, 2)
	if !slices.Equal(v.Words(), []string{"dog", "a", "runs"}) || v.Len() != 7 {
		t.Fatalf("words %q", v.Words())
	}
	want := []int{words.Begin, 5, 4, words.Unknown, words.End}
	if got := v.Encode("A dog sleeps!"); !slices.Equal(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
	again := words.NewVocabulary(v.Words())
	if got := again.Encode("A dog sleeps!"); !slices.Equal(got, want) {
		t.Errorf("read again it gives %v, want %v", got, want)
	}
	if got := v.Encode(""); !slices.Equal(got, []int{words.Begin, words.End}) {
		t.Errorf("nothing is %v", got)
	}
}

func TestContentWords(t *testing.T) {
	tagger := words.NewTagger()
	f := func(caption string, want ...string) {
		t.Helper()
		if got := tagger.Content(caption); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", caption, got, want)
		}
	}
	f("the boy laying face down on a skateboard is being pushed along the ground by another boy .", "boy", "laying", "face", "skateboard", "pushed", "ground")
	f("Two young girls quickly play with a very big red ball in 2008", "girls", "play", "ball")
	f("A family watches a butterfly fly slowly", "family", "watches", "butterfly", "fly")
	f("He is 3-years-old and it's on")
	photo := []string{"a dog runs", "the dog 's owner", "dog's dog"}
	if got := tagger.PseudoTags(photo); !slices.Equal(got, []string{"dog", "owner", "runs"}) {
		t.Errorf("pseudo tags %q", got)
	}
	if got := tagger.Keywords([][]string{photo, {"a cat runs"}, {"runs"}}, 2); !slices.Equal(got, []string{"runs", "cat"}) {
		t.Errorf("keywords %q", got)
	}
}

func TestEnglishTags(t *testing.T) {
	pieces, err := words.ReadPieces(strings.NewReader("[PAD]\n##ing\nof\nsea\nside\ndog\nété\nx1y\n"))
	if err != nil || !slices.Equal(pieces, []string{"sea", "side", "dog"}) {
		t.Fatalf("pieces %q, %v", pieces, err)
	}
	english := words.NewEnglish(pieces, []string{"The"})
	for tag, want := range map[string]bool{
		"sea": true, "Dog's": true, "the sea-side": true, "mer": false, "sea mer": false, "2008": false, "": false, "東京": false, "été": false,
	} {
		if english.Tag(tag) != want {
			t.Errorf("%q is English: %v", tag, !want)
		}
	}
}

func TestTheEncodersVocabularyKnowsEnglish(t *testing.T) {
	file, err := os.Open("../../build/encoders/builtin/vocab.txt")
	if err != nil {
		t.Skip("no built-in bundle: run `make model` first")
	}
	defer file.Close()
	pieces, err := words.ReadPieces(file)
	if err != nil {
		t.Fatal(err)
	}
	english := words.NewEnglish(pieces)
	for tag, want := range map[string]bool{"beach sunset": true, "wedding": true, "urlaub": false, "perro": false, "fiesta de cumpleaños": false} {
		if english.Tag(tag) != want {
			t.Errorf("%q is English: %v", tag, !want)
		}
	}
}

func FuzzCaptions(f *testing.F) {
	f.Add("A dog's ball-game")
	f.Add("cafe\u0301 東京 \xff")
	tagger := words.NewTagger()
	f.Fuzz(func(t *testing.T, caption string) {
		tokens := words.Tokens(caption)
		for _, token := range tokens {
			if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r == ' ' || r == '.' }) {
				t.Errorf("token %q", token)
			}
			if utf8.ValidString(caption) && !slices.Equal(words.Tokens(token), []string{token}) {
				t.Errorf("the token %q of %q is %q by itself", token, caption, words.Tokens(token))
			}
		}
		if v := words.NewVocabulary(nil); len(v.Encode(caption)) != len(tokens)+2 {
			t.Errorf("%d numbers for %d tokens", len(v.Encode(caption)), len(tokens))
		}
		for _, word := range tagger.Content(caption) {
			if !slices.Contains(tokens, word) {
				t.Errorf("content %q is no token", word)
			}
		}
	})
}
