package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"vsed/daemon/api"
)

// why says what ties a hit to the query, as far as its tags and its path show:
// the API does not say itself what matched. The words of a query are found in
// tags, names and folders also in other forms than these; such a hit is told
// as one that looks like it.
func why(query string, hit api.Hit) string {
	asked := words(query)
	if len(asked) > 1 {
		asked = slices.DeleteFunc(asked, tooCommon)
	}
	var ties []string
	add := func(tie string, texts []string) {
		if slices.ContainsFunc(texts, func(text string) bool { return shareWord(asked, words(text)) }) {
			ties = append(ties, tie)
		}
	}
	names, folders := namesOf(hit.Paths)
	add("tag", strings.Split(tagNames(hit.Tags), ", "))
	add("name", names)
	add("folder", folders)
	if len(ties) == 0 {
		return "looks like it"
	}
	return strings.Join(ties, ", ")
}

// namesOf gives the names of the files and those of the folders they lie in.
func namesOf(paths []api.Path) (names, folders []string) {
	for _, path := range paths {
		folder, name := filepath.Split(rawPath(path))
		names = append(names, strings.TrimSuffix(name, filepath.Ext(name)))
		folders = append(folders, filepath.Base(folder))
	}
	return names, folders
}

// words are those of a text in lower case, parted also where letters meet
// digits and small letters capitals.
func words(text string) []string {
	var all []string
	last := rune(0)
	for _, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r):
			r = 0
		case last == 0 || unicode.IsNumber(r) != unicode.IsNumber(last) || unicode.IsUpper(r) && unicode.IsLower(last):
			all = append(all, "")
		}
		if r != 0 {
			all[len(all)-1] += string(unicode.ToLower(r))
		}
		last = r
	}
	return all
}

// tooCommon reports whether a word beside others is not looked for.
func tooCommon(word string) bool {
	switch word {
	case "the", "and", "with", "for", "are", "was":
		return true
	}
	return len(word) < 3
}

// shareWord reports whether a word stands in both, be it once in the plural.
func shareWord(a, b []string) bool {
	return slices.ContainsFunc(a, func(word string) bool {
		return slices.ContainsFunc(b, func(other string) bool { return singular(word) == singular(other) })
	})
}

func singular(word string) string {
	if len(word) > 3 {
		return strings.TrimSuffix(word, "s")
	}
	return word
}
