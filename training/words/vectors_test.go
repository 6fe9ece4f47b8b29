package words

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func everyWord(string) bool { return true }

func TestReadVectors(t *testing.T) {
	f := func(text string, width int, want map[string][]float32) {
		t.Helper()
		got, read, err := ReadVectors(strings.NewReader(text), everyWord)
		if err != nil || read != width || !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%q: %v of %d, %v", text, got, read, err)
		}
	}
	f("dog 1 -2.5 3e-2\ncat 4 5 6\n", 3, map[string][]float32{"dog": {1, -2.5, .03}, "cat": {4, 5, 6}})
	f("2 3\ndog 1 2 3 \ncat 4 5 6\n", 3, map[string][]float32{"dog": {1, 2, 3}, "cat": {4, 5, 6}}) // word2vec's
	f("dog 1 2\n. . . 3 4\n", 2, map[string][]float32{"dog": {1, 2}, ". . .": {3, 4}})
	f("dog 1 2\ndog 3 4\n\n", 2, map[string][]float32{"dog": {1, 2}})
	kept, _, err := ReadVectors(strings.NewReader("dog 1 2\ncat 3 4\n"), func(word string) bool { return word == "cat" })
	if err != nil || len(kept) != 1 || kept["cat"] == nil {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestWrongVectorsAreNamed(t *testing.T) {
	f := func(text, problem string) {
		t.Helper()
		if _, _, err := ReadVectors(strings.NewReader(text), everyWord); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	f("", "empty")
	f("3 300\n", "empty")
	f("dog 1 2 3\ncat 1 2\n", "line 2")
	f("dog 1 2\ncat 1 NaN\n", `line 2 of the words' vectors, "cat": value 2`)
	f("dog 1 x\n", "value 2")
	f("just words here\n", "value 1")
	f("dog\n", "a word and 2 values")
	f("dog 1 "+strings.Repeat("2", vectorLine), "too long")
}

func TestWrittenVectorsAreRead(t *testing.T) {
	var text strings.Builder
	rows := [][]float32{{.5, -1e-7, 3}, {1, 2, 3}}
	if err := WriteVectors(&text, []string{"dog", "it's"}, rows); err != nil {
		t.Fatal(err)
	}
	got, width, err := ReadVectors(strings.NewReader(text.String()), everyWord)
	if err != nil || width != 3 || !slices.Equal(got["dog"], rows[0]) || !slices.Equal(got["it's"], rows[1]) {
		t.Errorf("%v, %v", got, err)
	}
}
