// Package ignore knows which files a user does not want to be looked at: the
// patterns of .vsedignore files, in the syntax of gitignore. It reads no files;
// package watch does, and has rules of its own for what no pattern names.
//
// Like in gitignore, the last pattern that matches wins, one in a deeper folder
// before one further up; "!" takes a file in again, but nothing below a folder
// that is ignored. Unlike in git, "?" and "[…]" stand for one character of
// UTF-8, not for one byte.
package ignore

import (
	"fmt"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// FileName is the name of a file with patterns. They hold for the folder that it
// is in and for all below.
const FileName = ".vsedignore"

const (
	// MaxSize bounds one file, in bytes.
	MaxSize = 64 << 10
	// maxPatterns bounds the patterns that hold for one folder, those of the
	// folders above included: every name below is compared with each.
	maxPatterns = 2000
	// maxLength bounds a pattern, in bytes.
	maxLength = 1000
	// shownLength bounds what a rule's name shows of its pattern, in bytes.
	shownLength = 100
)

// A Verdict is what the patterns say of a path.
type Verdict int

const (
	// Unnamed: no pattern matches.
	Unnamed Verdict = iota
	// Ignored: leave it alone, and all below it.
	Ignored
	// Wanted: a pattern with "!" takes it in.
	Wanted
)

// Rules are the patterns that hold in one folder. They do not change. A nil
// *Rules has none.
type Rules struct {
	above    *Rules
	folder   string // below the root; "." is the root
	patterns []pattern
	count    int // with those above
}

type pattern struct {
	name      string // of the rule
	glob      string // in doublestar's syntax
	wanted    bool
	onlyInDir bool // matches folders only
	anchored  bool // is compared with the path below folder, not with the last name
}

// In gives the rules of a folder that has a file with this text. The path of the
// folder is relative to the root, which is ".".
func (r *Rules) In(folder string, text []byte) (*Rules, error) {
	name := path.Join(folder, FileName)
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%s is larger than %d KiB: shorten it", name, MaxSize>>10)
	}
	rules := &Rules{above: r, folder: folder}
	if r != nil {
		rules.count = r.count
	}
	lines := strings.TrimPrefix(string(text), "\ufeff")
	number := 0
	for line := range strings.SplitSeq(lines, "\n") {
		number++
		line = strings.TrimSuffix(line, "\r")
		one, ok := parse(line)
		if !ok {
			continue
		}
		if len(line) > maxLength {
			return nil, fmt.Errorf("%s:%d: the pattern is longer than %d bytes: shorten it", name, number, maxLength)
		}
		one.name = shown(fmt.Sprintf("%s:%d: ", name, number), line)
		rules.patterns = append(rules.patterns, one)
	}
	if rules.count += len(rules.patterns); rules.count > maxPatterns {
		return nil, fmt.Errorf("%s: more than %d patterns hold here, with those of the folders above: remove some", name, maxPatterns)
	}
	return rules, nil
}

// shown is the name of a rule: it goes to a screen and into JSON.
func shown(place, line string) string {
	if len(line) > shownLength {
		line = line[:shownLength] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(place+line, "?"))
}

// Match says what the patterns hold of a path that lies in the folder of the
// rules or deeper; the folders on the way to it are not ignored. The rule names
// the pattern that decides.
func (r *Rules) Match(relative string, isFolder bool) (Verdict, string) {
	for ; r != nil; r = r.above {
		inside := relative
		if r.folder != "." {
			inside = strings.TrimPrefix(relative, r.folder+"/")
		}
		last := inside[strings.LastIndexByte(inside, '/')+1:]
		for i := len(r.patterns) - 1; i >= 0; i-- {
			if one := &r.patterns[i]; one.matches(inside, last, isFolder) {
				if one.wanted {
					return Wanted, one.name
				}
				return Ignored, one.name
			}
		}
	}
	return Unnamed, ""
}

func (p *pattern) matches(inside, last string, isFolder bool) bool {
	if p.onlyInDir && !isFolder {
		return false
	}
	if p.anchored {
		last = inside
	}
	// What is no pattern matches nothing.
	matched, err := doublestar.Match(p.glob, last)
	return matched && err == nil
}
