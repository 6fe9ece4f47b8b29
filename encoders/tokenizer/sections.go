package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// deepest is how many sequences may stand in each other.
const deepest = 4

// clipPatterns are the regular expressions that clipWords stands for. The names
// of special pieces in the second are text here.
var clipPatterns = []string{
	`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
	`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
}

// pattern is what a Split or Replace looks for.
type pattern struct{ String, Regex *string }

func (p pattern) is(text string) bool       { return p.String != nil && *p.String == text }
func (p pattern) isRegex(of ...string) bool { return p.Regex != nil && slices.Contains(of, *p.Regex) }
func (p pattern) unsupported() error {
	text := ""
	for _, each := range []*string{p.String, p.Regex} {
		if each != nil {
			text = *each
		}
	}
	return fmt.Errorf("pattern %.200q is not supported", text)
}

// normaliser reads the steps that a text goes through before it is split.
func (r *reader) normaliser(data []byte, depth int) ([]func(string) string, error) {
	name, err := kind(data)
	if err != nil {
		return nil, err
	}
	if name == "BertNormalizer" {
		return nil, r.bertNormaliser(data)
	}
	if r.bert {
		return nil, fmt.Errorf("type %.60q is not supported before a BertPreTokenizer, only BertNormalizer", name)
	}
	switch name {
	case "":
		return nil, nil
	case "Sequence":
		return sequence(data, depth, r.normaliser)
	}
	step, err := normaliserStep(name, data)
	return []func(string) string{step}, err
}

// sequence reads the sections of a Sequence one after another.
func sequence[T any](data []byte, depth int, read func([]byte, int) ([]T, error)) ([]T, error) {
	var section struct {
		Type          string
		Normalizers   []json.RawMessage
		Pretokenizers []json.RawMessage
	}
	if err := strict(data, &section); err != nil {
		return nil, err
	}
	if depth >= deepest {
		return nil, fmt.Errorf("has sequences more than %d deep", deepest)
	}
	var all []T
	for i, each := range append(section.Normalizers, section.Pretokenizers...) {
		parts, err := read(each, depth+1)
		if err != nil {
			return nil, fmt.Errorf("type Sequence: %d: %w", i, err)
		}
		all = append(all, parts...)
	}
	return all, nil
}

func normaliserStep(name string, data []byte) (func(string) string, error) {
	forms := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}
	if form, ok := forms[name]; ok {
		return form.String, nil
	}
	switch name {
	case "Lowercase":
		return lower, nil
	case "Strip":
		return strip(data)
	case "Replace":
		return replace(data)
	case "Precompiled":
		return precompiled(data)
	}
	return nil, unsupported(name)
}

func strip(data []byte) (func(string) string, error) {
	var section struct {
		Type  string
		Left  bool `json:"strip_left"`
		Right bool `json:"strip_right"`
	}
	if err := strict(data, &section); err != nil {
		return nil, err
	}
	return func(text string) string {
		if section.Left {
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
		if section.Right {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		return text
	}, nil
}

// replace reads a replacement of a text, of any white space or of two and more spaces.
func replace(data []byte) (func(string) string, error) {
	var section struct {
		Type    string
		Pattern pattern
		Content string
	}
	if err := strict(data, &section); err != nil {
		return nil, err
	}
	content := section.Content
	switch {
	case section.Pattern.isRegex(`\s+`):
		return func(text string) string { return replaceRuns(text, content, 1, unicode.IsSpace) }, nil
	case section.Pattern.isRegex(` {2,}`):
		return func(text string) string {
			return replaceRuns(text, content, 2, func(r rune) bool { return r == ' ' })
		}, nil
	case section.Pattern.String != nil && len(*section.Pattern.String) == 1 && len(content) <= len(underline):
		return strings.NewReplacer(*section.Pattern.String, content).Replace, nil
	}
	return nil, section.Pattern.unsupported()
}

// replaceRuns puts content in the place of each run of at least so many characters
// of a kind.
func replaceRuns(text, content string, least int, kind func(rune) bool) string {
	var replaced strings.Builder
	for text != "" {
		begin := strings.IndexFunc(text, kind)
		if begin < 0 {
			begin = len(text)
		}
		replaced.WriteString(text[:begin])
		text = text[begin:]
		length := run(text, kind)
		if length < least {
			replaced.WriteString(text[:length])
		} else {
			replaced.WriteString(content)
		}
		text = text[length:]
	}
	return replaced.String()
}

func precompiled(data []byte) (func(string) string, error) {
	var section struct {
		Type string
		Map  []byte `json:"precompiled_charsmap"` // in base 64
	}
	if err := strict(data, &section); err != nil {
		return nil, err
	}
	switch {
	case section.Map == nil:
		return func(text string) string { return text }, nil
	case len(section.Map) > mostCharsmap:
		return nil, fmt.Errorf("precompiled_charsmap has more than %d MiB", mostCharsmap>>20)
	}
	loaded, err := newCharsmap(section.Map)
	if err != nil {
		return nil, fmt.Errorf("precompiled_charsmap %w", err)
	}
	return loaded.normalise, nil
}

// bertNormaliser sets whether BERT's words are put in lower case.
func (r *reader) bertNormaliser(data []byte) error {
	var section struct {
		Type         string
		Clean        bool  `json:"clean_text"`
		Chinese      bool  `json:"handle_chinese_chars"`
		StripAccents *bool `json:"strip_accents"`
		Lowercase    bool
	}
	if err := strict(data, &section); err != nil {
		return err
	}
	switch {
	case !r.bert:
		return errors.New("type BertNormalizer is supported before a BertPreTokenizer only")
	case !section.Clean || !section.Chinese:
		return errors.New("type BertNormalizer is supported with clean_text and handle_chinese_chars only")
	case section.StripAccents != nil && *section.StripAccents != section.Lowercase:
		return errors.New("type BertNormalizer is supported with strip_accents as lowercase only")
	}
	r.lowerCase = section.Lowercase
	return nil
}

// splitter reads how a text is split into words.
func (r *reader) splitter(data []byte, depth int) (splitter, error) {
	splitters, err := r.splitters(data, depth)
	split := splitter(whole)
	for _, each := range splitters {
		split = split.then(each)
	}
	return split, err
}

func (r *reader) splitters(data []byte, depth int) ([]splitter, error) {
	name, err := kind(data)
	if err != nil {
		return nil, err
	}
	var one splitter
	switch name {
	case "":
		return nil, nil
	case "Sequence":
		return sequence(data, depth, r.splitters)
	case "WhitespaceSplit":
		one = strings.FieldsSeq
	case "Metaspace":
		one, err = r.readMetaspace(data, depth)
	case "Split":
		one, err = r.readSplit(data)
	case "ByteLevel":
		return nil, r.byteLevel(data)
	case "BertPreTokenizer":
		r.bert = true
		one = func(text string) iter.Seq[string] { return words(text, r.lowerCase) }
	default:
		err = unsupported(name)
	}
	return []splitter{one}, err
}

func (r *reader) readMetaspace(data []byte, depth int) (splitter, error) {
	var section struct {
		Type        string
		Replacement string
		Older       string `json:"str_rep"`
		Prefix      *bool  `json:"add_prefix_space"`
		Scheme      string `json:"prepend_scheme"`
		Split       *bool
	}
	if err := strict(data, &section); err != nil {
		return nil, err
	}
	if section.Replacement != underline {
		return nil, fmt.Errorf("type Metaspace: replacement %.60q is not supported, only %q", section.Replacement, underline)
	}
	prepend := section.Prefix == nil || *section.Prefix
	switch section.Scheme {
	case "":
	case "always", "never":
		prepend = section.Scheme == "always"
	case "first": // as always, where a text reaches this in one part
		if depth > 0 || len(r.kept) > 0 {
			return nil, errors.New("type Metaspace: prepend_scheme \"first\" is not supported in a Sequence, nor with added_tokens that are not special")
		}
		prepend = true
	default:
		return nil, fmt.Errorf("type Metaspace: prepend_scheme %.60q is not supported", section.Scheme)
	}
	return metaspace(prepend, section.Split == nil || *section.Split), nil
}

func (r *reader) readSplit(data []byte) (splitter, error) {
	var section struct {
		Type     string
		Pattern  pattern
		Behavior string
		Invert   bool
	}
	if err := strict(data, &section); err != nil {
		return nil, err
	}
	switch {
	case section.Pattern.isRegex(clipPatterns...) && section.Behavior == "Removed" && section.Invert:
		r.clip = true
		return clipWords, nil
	case section.Pattern.is(" ") && section.Behavior == "MergedWithPrevious" && !section.Invert:
		return func(text string) iter.Seq[string] { return strings.SplitAfterSeq(text, " ") }, nil
	}
	return nil, fmt.Errorf("type Split: with behavior %.60q and invert %t: %w", section.Behavior, section.Invert, section.Pattern.unsupported())
}

// byteLevel reads that the model works on bytes. GPT-2's expression, which it has
// unless use_regex is false, splits no word that CLIP's has split.
func (r *reader) byteLevel(data []byte) error {
	var section struct {
		Type           string
		AddPrefixSpace bool  `json:"add_prefix_space"`
		TrimOffsets    bool  `json:"trim_offsets"`
		UseRegex       *bool `json:"use_regex"`
	}
	if err := strict(data, &section); err != nil {
		return err
	}
	if section.AddPrefixSpace || !r.clip {
		return errors.New("type ByteLevel is supported without add_prefix_space and after CLIP's Split only")
	}
	r.bytes = true
	return nil
}
