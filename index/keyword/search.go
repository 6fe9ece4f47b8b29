package keyword

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis"

	"vsed/index"
)

// maxTerms is how many different words of a query are looked for; the rest of a
// longer one is ignored. Each costs a look-up in every field, and a bit in a board.
const maxTerms = 31

// Weights of a word by where it stands, set by hand: a tag was said by someone of
// this photo, a place's or folder's name of many.
var wordFields = []struct {
	name  string
	boost float64
}{
	{fieldTags, 4}, {fieldTitles, 3}, {fieldDescriptions, 1.5}, {fieldNames, 1.5}, {fieldPlaces, 1}, {fieldCameras, 0.5}, {fieldFolders, 0.5},
}

// told are the fields as a match names them.
var told = map[string]string{
	fieldWhole: FieldTag, fieldName: FieldName, fieldTags: FieldTag, fieldTitles: FieldTitle, fieldDescriptions: FieldDescription,
	fieldNames: FieldName, fieldPlaces: FieldPlace, fieldCameras: FieldCamera, fieldFolders: FieldFolder,
}

// A SearchOption changes what a Search finds.
type SearchOption func(*asked)

type asked struct {
	keep   func(id int64) bool // nil: all
	typing bool
}

// Among limits a search to the photos for which keep is true. It is called at most
// once for each photo that has a word of the text.
func Among(keep func(id int64) bool) SearchOption { return func(a *asked) { a.keep = keep } }

// Typing takes the last word of the text, where no blank follows it, for the
// beginning of one.
func Typing() SearchOption { return func(a *asked) { a.typing = true } }

// Search finds at most limit photos that have any word of the text, best first,
// of equal scores the lower id first. A photo with a tag or file name that is the
// whole text, but for case, accents and spaces, comes before all that have not;
// Whole tells it. Of the text
// the first 16 KiB and in them the first 31 different words count; stop words
// ("on", "the") find whole tags only. A word of five letters or more that no
// photo has finds those that differ in one letter. A text without a word finds
// nothing.
func (x *Index) Search(ctx context.Context, text string, limit int, options ...SearchOption) (hits []index.Hit, err error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	err = x.look(ctx, text, options, func(asked asked, r *reading, l *lookup) (err error) {
		hits, err = r.best(ctx, l, limit, asked.keep)
		return err
	})
	return hits, err
}

// Score gives those of the photos that have any word of the text, with the scores
// that Search gives them, best first.
func (x *Index) Score(ctx context.Context, text string, ids []int64, options ...SearchOption) (hits []index.Hit, err error) {
	err = x.look(ctx, text, options, func(asked asked, r *reading, l *lookup) error {
		hits = r.score(l, ids, asked.keep)
		return nil
	})
	return hits, err
}

// Stems gives the words of a text as the index has them, in their order; the commonest
// words of the language, which it does not have, are left out.
func (x *Index) Stems(text string) (stems []string) {
	for _, token := range x.analyser.Analyze([]byte(words(text))) {
		stems = append(stems, string(token.Term))
	}
	return stems
}

// A Match is a word of a text that a photo has.
type Match struct {
	Word  string // of the text; "" the text as a whole
	Term  string // as the index has it: its stem, or another word where it was misspelt or begun
	Field string // one of those below
}

// The fields of a match.
const (
	FieldTag         = "tag"
	FieldTitle       = "title"
	FieldDescription = "description"
	FieldName        = "name"
	FieldPlace       = "place"
	FieldCamera      = "camera"
	FieldFolder      = "folder"
)

// Explain tells what of the text the photos have: whole before words, each word in
// the order of the text.
func (x *Index) Explain(ctx context.Context, text string, ids []int64, options ...SearchOption) (matches map[int64][]Match, err error) {
	matches = make(map[int64][]Match)
	err = x.look(ctx, text, options, func(_ asked, r *reading, l *lookup) error {
		r.each(l, ids, func(at int, list *wordList) {
			matches[ids[at]] = append(matches[ids[at]], Match{list.word, list.term, told[list.field]})
		})
		return nil
	})
	return matches, err
}

// Texts gives the texts of the document that have the word of a match.
func (x *Index) Texts(d Document, m Match) (texts []string) {
	for _, text := range d.texts(m.Field) {
		if m.Word == "" && (Normal(text) == m.Term || Normal(stem(text)) == m.Term) || m.Word != "" && x.has(text, m) {
			texts = append(texts, text)
		}
	}
	return texts
}

func (x *Index) has(text string, m Match) bool {
	if m.Field == FieldName {
		text = stem(text)
	}
	return slices.ContainsFunc(x.analyser.Analyze([]byte(words(text))), func(token *analysis.Token) bool { return string(token.Term) == m.Term })
}

// look has work done with what the words of the text have now.
func (x *Index) look(ctx context.Context, text string, options []SearchOption, work func(asked, *reading, *lookup) error) error {
	var asked asked
	for _, option := range options {
		option(&asked)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := x.read(func(opened bleve.Index) (err error) {
		r, err := openReading(opened, &x.photos)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.Close()) }()
		l, err := x.lookup(ctx, r, text, asked.typing)
		if err != nil {
			return err
		}
		return work(asked, r, l)
	})
	if err != nil {
		return fmt.Errorf("keyword index: search: %w", err)
	}
	return nil
}

// Whole reports whether a hit has a tag or file name that is the whole text.
func Whole(hit index.Hit) bool { return hit.Score >= wholeScore }

// lookup finds the whole text and each word of it.
func (x *Index) lookup(ctx context.Context, r *reading, text string, typing bool) (*lookup, error) {
	whole := Normal(text)
	if len(whole) > wholeBytes {
		whole = ""
	}
	last := ""
	if typing {
		last = unfinished(text)
	}
	words := x.terms(text)
	for i := range words {
		if words[i].written == last {
			words[i].begun, last = last, ""
		}
	}
	if last != "" && len(words) < maxTerms {
		words = append(words, wanted{stem: last, written: last, begun: last})
	}
	return r.look(ctx, words, whole)
}

// unfinished gives the word that the text ends with; "" where it ends otherwise.
func unfinished(text string) string {
	last, _ := utf8.DecodeLastRuneInString(text)
	list := strings.Fields(words(text))
	if len(list) == 0 || isSeparator(last) {
		return ""
	}
	return list[len(list)-1]
}

// A wanted word of a query.
type wanted struct {
	stem     string // as the index has it
	written  string
	tolerant bool   // long enough for a slip
	begun    string // "": the word is whole; else what was written of it so far
}

// tolerantRunes is the length of a word from which on a slip is forgiven.
const tolerantRunes = 5

// terms are the text's words, each stem once.
func (x *Index) terms(text string) []wanted {
	var terms []wanted
	source := words(text)
	for _, token := range x.analyser.Analyze([]byte(source)) {
		if len(terms) == maxTerms {
			break
		}
		written := source[token.Start:token.End]
		digit := strings.ContainsFunc(written, unicode.IsNumber)
		terms = append(terms, wanted{stem: string(token.Term), written: written, tolerant: !digit && utf8.RuneCountInString(written) >= tolerantRunes})
	}
	return terms
}
