package attributes

import (
	"bytes"
	"strings"

	"vsed/index/keyword"
)

// whole gives a function that reports whether a text in normal form is the
// pattern, in which * stands for any run of characters.
func whole(pattern string) func(string) bool {
	pattern = keyword.Normal(pattern)
	if !strings.Contains(pattern, "*") {
		return func(text string) bool { return text == pattern }
	}
	return func(text string) bool { return glob(pattern, text) }
}

// part is whole, but a pattern without a * need only be a part of the text.
func part(pattern string) func([]byte) bool {
	pattern = keyword.Normal(pattern)
	if strings.Contains(pattern, "*") {
		return func(text []byte) bool { return glob(pattern, text) }
	}
	wanted := []byte(pattern)
	return func(text []byte) bool { return bytes.Contains(text, wanted) }
}

// glob matches the whole text. It takes time in proportion to the product of the
// lengths at worst: after a * it goes back to the last one only.
func glob[T string | []byte](pattern string, text T) bool {
	star, back := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// anyName reports whether one of the names, with a NUL between, matches.
func anyName(names []byte, match func([]byte) bool) bool {
	for len(names) > 0 {
		name, rest, _ := bytes.Cut(names, []byte{0})
		if match(name) {
			return true
		}
		names = rest
	}
	return false
}

// folderMatch gives a function that reports whether a folder matches: by its
// path below the watched folder, by the same with the watched folder's own name
// before it, or, for a pattern that begins with /, by its whole path. Without a
// * the pattern names a folder and all below it; with one it names whole paths,
// in which * stays within a name and ** does not.
func folderMatch(pattern string) func(folder) bool {
	pattern = keyword.Normal(pattern)
	absolute := strings.HasPrefix(pattern, "/")
	pattern = strings.Trim(strings.TrimPrefix(pattern, "./"), "/")
	if !strings.Contains(pattern, "*") && pattern != "" {
		pattern += "/**"
	}
	parts := strings.Split(pattern, "/")
	match := func(path string) bool { return globPath(parts, strings.Split(path, "/")) }
	return func(f folder) bool {
		if absolute {
			return match(f.absolute)
		}
		return match(f.below) || match(f.named)
	}
}

// globPath matches the parts of a path; the part ** stands for any number of
// them.
func globPath(pattern, path []string) bool {
	star, back := -1, 0
	p, t := 0, 0
	for t < len(path) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			star, back = p, t
			p++
		case p < len(pattern) && glob(pattern[p], path[t]):
			p++
			t++
		case star >= 0:
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}
