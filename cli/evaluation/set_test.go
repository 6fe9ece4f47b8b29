package evaluation

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "labels.tsv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLinesOfOnePhotoAreTakenTogether(t *testing.T) {
	f := func(read func(string) (Set, error), text string, want Set) {
		t.Helper()
		if got, err := read(write(t, text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	f(ReadTags, "a.jpg\tsky, sea,sky,\n\nb/./c.jpg\t\na.jpg\tsun\n", Set{[]string{"a.jpg", "b/c.jpg"}, [][]string{{"sky", "sea", "sun"}, nil}})
	f(ReadCaptions, "a.jpg\tA dog, running.\na.jpg\tA dog .\n", Set{[]string{"a.jpg"}, [][]string{{"A dog, running.", "A dog ."}}})
}

func TestAWrongLineIsNamed(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if _, err := ReadTags(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	f("", "no line")
	f("a.jpg\tsky\na.jpg sky\n", "line 2")
	f("/a.jpg\tsky\n", "line 1")
	f("\tsky\n", "line 1")
}

func TestPlainHasNoSigns(t *testing.T) {
	f := func(label, want string) {
		t.Helper()
		if got := plain(label); got != want {
			t.Errorf("%q becomes %q, want %q", label, got, want)
		}
	}
	f("A man 's dog -- running .", "A man 's dog running .")
	f(`tag:beach -"red (car)" OR sort:date \-x`, "tag beach red car or sort date x")
	f("a t-shirt", "a t-shirt")
}
