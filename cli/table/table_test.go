package table

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := Escape(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	f("/photos/dog on beach.jpg", "/photos/dog on beach.jpg")
	f("Bäume 写真 🐕", "Bäume 写真 🐕")
	f("a\nb\tc", `a\nb\tc`)
	f("\x1b[2J\x1b]0;title\x07", `\x1b[2J\x1b]0;title\a`)
	f("\u009b31m", `\u009b31m`)
	f("\xff\xfe.jpg", `\xff\xfe.jpg`)
	f("gpj.\u202eexe", `gpj.\u202eexe`)
	f(`C:\a`, `C:\a`)
	f("\u200b", `\u200b`)
	f("👩\u200d🔬", "👩\u200d🔬")
	f("a'b\"c", `a'b"c`)
}

func TestWidth(t *testing.T) {
	f := func(in string, want int) {
		t.Helper()
		if got := Width(in); got != want {
			t.Errorf("%q: got %d, want %d", in, got, want)
		}
	}
	f("", 0)
	f("dog", 3)
	f("写真", 4)
	f("e\u0301", 1)
	f("🐕", 2)
}

func TestShorten(t *testing.T) {
	f := func(shorten func(string, int) string, in string, columns int, want string) {
		t.Helper()
		got := shorten(in, columns)
		if got != want || Width(got) > columns {
			t.Errorf("%q to %d: got %q, want %q", in, columns, got, want)
		}
	}
	f(ShortenMiddle, "/photos/a.jpg", 13, "/photos/a.jpg")
	f(ShortenMiddle, "/photos/2019/summer/holiday/dog.jpg", 20, "/photos/201…/dog.jpg")
	f(ShortenMiddle, "/photos/a-name-that-is-much-too-long-for-it.jpg", 20, "/photo…ng-for-it.jpg")
	f(ShortenMiddle, "/写真/写真写真/犬.jpg", 14, "/写真/…/犬.jpg")
	f(ShortenEnd, "dog, beach, sea", 10, "dog, beac…")
	f(ShortenEnd, "写真写真", 5, "写真…")
}

func TestTable(t *testing.T) {
	columns := []Column{{Title: "SCORE", Right: true}, {Title: "PHOTO", Shorten: Middle}, {Title: "TAGS", Shorten: End}}
	rows := [][]string{
		{"0.5", "/photos/a.jpg", "dog"},
		{"0.25", "/photos/2019/summer holiday/写真\n.jpg", "beach, sea, sand, sun, water, waves"},
	}
	f := func(width int, want string) {
		t.Helper()
		var got strings.Builder
		if err := Write(&got, columns, rows, width, nil); err != nil {
			t.Fatal(err)
		}
		if got.String() != strings.TrimPrefix(want, "\n") {
			t.Errorf("width %d: got\n%swant%s", width, got.String(), want)
		}
		for _, line := range strings.Split(got.String(), "\n") {
			if width > 0 && Width(line) > width {
				t.Errorf("line of %d columns in %d: %s", Width(line), width, line)
			}
		}
	}
	f(0, `
SCORE  PHOTO                                   TAGS
  0.5  /photos/a.jpg                           dog
 0.25  /photos/2019/summer holiday/写真\n.jpg  beach, sea, sand, sun, water, waves
`)
	f(50, `
SCORE  PHOTO                          TAGS
  0.5  /photos/a.jpg                  dog
 0.25  /photos/2019/summ…/写真\n.jpg  beach, sea,…
`)
}

// Whatever a name holds, what is shown is printable and fits.
func FuzzShow(f *testing.F) {
	f.Add("/photos/\x1b[31m\xff\u202e.jpg", 20)
	f.Add("写真/写", 3)
	f.Fuzz(func(t *testing.T, name string, columns int) {
		columns = 2 + (columns&0x7fffffff)%100
		text := Escape(name)
		for _, r := range text {
			if !Printable(r) || !utf8.ValidString(text) {
				t.Fatalf("%q shows %q", name, text)
			}
		}
		if got := Width(ShortenMiddle(text, columns)); got > columns {
			t.Errorf("middle: %d columns of %d", got, columns)
		}
		if got := Width(ShortenEnd(text, columns)); got > columns {
			t.Errorf("end: %d columns of %d", got, columns)
		}
	})
}

func TestWrap(t *testing.T) {
	f := func(s string, columns int, want ...string) {
		t.Helper()
		if got := Wrap(s, columns); !slices.Equal(got, want) {
			t.Errorf("%q at %d: got %q, want %q", s, columns, got, want)
		}
	}
	f("one two three four", 13, "one two three", "four")
	f("one /a/path/that/is/longer/than/a/line two", 14, "one", "/a/path/that/is/longer/than/a/line", "two")
	f("one two three four", -3, "one two three four")
	f("", 20, "")
	f("the tag \"a  b\" is none of them", 17, "the tag \"a  b\" is", "none of them")
	f("first   second", 12, "first", "second")
	f("to see: `vsectl learn list` shows it", 20, "to see:", "`vsectl learn list`", "shows it")
	f("`vsectl learn report --all` is longer", 16, "`vsectl learn", "report --all` is", "longer")
	f("an odd ` remains where it is", 14, "an odd `", "remains where", "it is")
}
