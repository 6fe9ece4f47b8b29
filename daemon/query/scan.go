package query

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scanner reads the pieces of a query's text. Bytes that are no UTF-8 are
// letters to it: a path may have them.
type scanner struct {
	text string
	at   int // in bytes
	open int // brackets that wait for their end
}

// fail is an error at an offset in bytes.
func (s *scanner) fail(at int, format string, arguments ...any) error {
	return &Error{Character: utf8.RuneCountInString(s.text[:at]) + 1, Problem: fmt.Sprintf(format, arguments...)}
}

// peek gives the next rune and its length in bytes; 0 at the end.
func (s *scanner) peek() (r rune, size int) {
	if s.at == len(s.text) {
		return 0, 0
	}
	return utf8.DecodeRuneInString(s.text[s.at:])
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func (s *scanner) skipBlanks() {
	for r, size := s.peek(); size > 0 && isBlank(r); r, size = s.peek() {
		s.at += size
	}
}

// atEnd reports whether nothing more stands in the query, or in its bracket.
func (s *scanner) atEnd() bool {
	s.skipBlanks()
	r, size := s.peek()
	return size == 0 || r == ')' && s.open > 0
}

// closers gives the marks that end a quotation which begins with a mark; "" for
// what is no such mark. Telephones type curved ones.
func closers(opener rune) string {
	switch opener {
	case '"':
		return `"`
	case '“', '„':
		return `”“`
	}
	return ""
}

// escapable are the characters that a backslash makes plain. Before others it
// is a backslash, as in C:\Users.
const escapable = `\"“”„()-:`

// escaped gives the length of the character at the offset that a backslash
// stands before; 0 where it is none of those.
func escaped(text, from string) int {
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 || !strings.ContainsRune(from, r) {
		return 0
	}
	return size
}

// word reads up to a blank, or to the bracket that ends a group. Brackets that
// the word itself opens belong to it, as in IMG(1).jpg.
func (s *scanner) word() string {
	var word strings.Builder
	for inner := 0; ; {
		r, size := s.peek()
		if size == 0 || isBlank(r) || r == ')' && inner == 0 && s.open > 0 {
			return word.String()
		}
		switch r {
		case '(':
			inner++
		case ')':
			inner = max(inner-1, 0)
		case '\\':
			if plain := escaped(s.text[s.at+size:], escapable); plain > 0 {
				s.at, size = s.at+size, plain
			}
		}
		word.WriteString(s.text[s.at : s.at+size])
		s.at += size
	}
}

// quotation reads what stands between the mark at this place and its end.
func (s *scanner) quotation() (string, error) {
	begin := s.at
	opener, size := s.peek()
	s.at += size
	var quoted strings.Builder
	for {
		r, size := s.peek()
		if size == 0 {
			return "", s.fail(begin, `this quotation mark has no partner: put one at the end, or a backslash before it (\")`)
		}
		if strings.ContainsRune(closers(opener), r) {
			s.at += size
			return quoted.String(), nil
		}
		if r == '\\' {
			if plain := escaped(s.text[s.at+size:], `\"“”„`); plain > 0 {
				s.at, size = s.at+size, plain
			}
		}
		quoted.WriteString(s.text[s.at : s.at+size])
		s.at += size
	}
}

// fieldName gives the name before a colon at this place: two letters or more,
// of a to z. So 10:30 and C:\ have none.
func (s *scanner) fieldName() string {
	end := s.at
	for end < len(s.text) && (s.text[end]|0x20 >= 'a' && s.text[end]|0x20 <= 'z') {
		end++
	}
	if end-s.at < 2 || end == len(s.text) || s.text[end] != ':' {
		return ""
	}
	return s.text[s.at:end]
}

// minus takes a minus sign and reports whether one stands here: a dash before a
// letter, a quotation or a bracket. So -5 and -- are words.
func (s *scanner) minus() bool {
	rest, ok := strings.CutPrefix(s.text[s.at:], "-")
	if !ok {
		return false
	}
	next, _ := utf8.DecodeRuneInString(rest)
	if !unicode.IsLetter(next) && next != '(' && closers(next) == "" {
		return false
	}
	s.at++
	return true
}
