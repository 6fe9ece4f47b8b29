package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"unicode/utf8"
)

// Limits of the files: twice the largest that is known, of 256,000 pieces.
const (
	mostBytes   = 64 << 20
	mostAdded   = 16 << 10
	mostContext = 8 << 10
)

// FromJSON reads a tokenizer as Hugging Face's tokenizers library writes it:
// tokenizer.json and, for the piece that fills up, tokenizer_config.json. CLIP's
// byte pair encoding, sentencepiece's unigram and byte pair models and BERT's
// WordPiece are understood. What is not is an error that names file, section and
// type: a rule that is passed over makes wrong vectors and no noise.
//
// A CLIP model's text is cleaned and split as open_clip does, which trained it,
// where CLIPTokenizerFast differs. The two agree on tokenizer.json. Every text is cut
// and filled up at its end to options.Context, whatever the file says of lengths.
// Nothing of the two slices is kept.
func FromJSON(tokenizerJSON, configJSON []byte, options Options) (*Tokenizer, error) {
	if options.Context < 1 || options.Context > mostContext {
		return nil, fmt.Errorf("context of %d pieces is not within 1 and %d", options.Context, mostContext)
	}
	padding, err := readConfig(configJSON)
	if err != nil {
		return nil, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	t, err := readTokenizer(tokenizerJSON, padding, options)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	return t, nil
}

// readConfig gives the name of the piece that fills up. The other fields are
// tokenizer.json's over again, or for Python.
func readConfig(data []byte) (padding string, err error) {
	var config struct {
		Padding json.RawMessage `json:"pad_token"`
		Side    string          `json:"padding_side"`
	}
	if len(data) > mostBytes {
		return "", fmt.Errorf("has more than %d MiB", mostBytes>>20)
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return "", err
	}
	if config.Side != "" && config.Side != "right" {
		return "", fmt.Errorf("padding_side: %.60q is not supported, only \"right\"", config.Side)
	}
	if json.Unmarshal(config.Padding, &padding) == nil && padding != "" {
		return padding, nil
	}
	var token struct{ Content string }
	if json.Unmarshal(config.Padding, &token) != nil || token.Content == "" {
		return "", errors.New("pad_token: is missing or not the name of a piece")
	}
	return token.Content, nil
}

// reader holds what the sections of a tokenizer.json need of each other.
type reader struct {
	options Options
	special map[string]int32 // added pieces that are not looked for in texts
	kept    map[string]int32 // added pieces that are
	// clip and bert are set where words are split by these models' rules, bytes
	// where they go to the model as bytes.
	clip, bert, bytes bool
	lowerCase         bool // of BERT's words
}

func readTokenizer(data []byte, padding string, options Options) (*Tokenizer, error) {
	if len(data) > mostBytes {
		return nil, fmt.Errorf("has more than %d MiB", mostBytes>>20)
	}
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("is not JSON")
	}
	found, err := sections(data, "version", "truncation", "padding", "added_tokens",
		"normalizer", "pre_tokenizer", "post_processor", "decoder", "model")
	if err != nil {
		return nil, err
	}
	r := &reader{options: options}
	t := &Tokenizer{options: options}
	steps := []struct {
		section string
		read    func([]byte) error
	}{
		{"truncation", atEnd},
		{"padding", atEnd},
		{"added_tokens", r.added},
		{"pre_tokenizer", func(data []byte) (err error) { t.split, err = r.splitter(data, 0); return err }},
		{"normalizer", func(data []byte) (err error) { t.normalise, err = r.normaliser(data, 0); return err }},
		{"post_processor", func(data []byte) (err error) { t.before, t.after, err = r.template(data); return err }},
		{"model", func(data []byte) (err error) { t.model, err = r.model(data); return err }},
	}
	for _, step := range steps {
		section := found[step.section]
		if section == nil {
			section = []byte("null")
		}
		if err := step.read(section); err != nil {
			return nil, fmt.Errorf("%s: %w", step.section, err)
		}
	}
	return t, r.finish(t, padding)
}

// finish checks what concerns several sections.
func (r *reader) finish(t *Tokenizer, padding string) error {
	if room := r.options.Context - len(t.before) - len(t.after); room < 1 {
		return fmt.Errorf("post_processor: context of %d pieces has no room for a word", r.options.Context)
	}
	if len(r.kept) > 0 {
		var list pieceList
		for _, piece := range slices.Sorted(maps.Keys(r.kept)) {
			if err := list.add([]byte(piece), r.kept[piece]); err != nil {
				return fmt.Errorf("added_tokens: %w", err)
			}
		}
		var err error
		if t.kept, err = list.vocabulary(); err != nil {
			return fmt.Errorf("added_tokens: %w", err)
		}
	}
	var err error
	if t.padding, err = r.padding(t.model, padding); err != nil {
		return err
	}
	return nil
}

// padding finds the number of the piece that fills up.
func (r *reader) padding(m model, piece string) (int32, error) {
	for _, added := range []map[string]int32{r.special, r.kept} {
		if id, ok := added[piece]; ok {
			return id, nil
		}
	}
	var pieces *vocabulary
	switch m := m.(type) {
	case *mergePieces:
		pieces = m.vocabulary
	case *unigramPieces:
		pieces = m.vocabulary
	case *wordPieces:
		pieces = m.vocabulary
	}
	if id := pieces.find(piece); id != none {
		return id, nil
	}
	return none, fmt.Errorf("has no piece %.60q, which tokenizer_config.json fills up with", piece)
}

// strict decodes a small section; a field that it does not know is an error.
func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// kind is the type of a section; empty where the section is null.
func kind(data []byte) (string, error) {
	var section *struct{ Type string }
	if err := json.Unmarshal(data, &section); err != nil || section == nil {
		return "", err
	}
	return section.Type, nil
}

// unsupported is the error for a type that is not understood.
func unsupported(name string) error { return fmt.Errorf("type %.60q is not supported", name) }

// atEnd checks a truncation or padding section: what it says of lengths is the
// options' to say, but both work at the end of a text.
func atEnd(data []byte) error {
	var section struct{ Direction string }
	if err := json.Unmarshal(data, &section); err != nil {
		return err
	}
	if section.Direction != "" && section.Direction != "Right" {
		return fmt.Errorf("direction %.60q is not supported, only \"Right\"", section.Direction)
	}
	return nil
}

func (r *reader) added(data []byte) error {
	var tokens []struct {
		ID         int32
		Content    string
		SingleWord bool `json:"single_word"`
		LeftStrip  bool `json:"lstrip"`
		RightStrip bool `json:"rstrip"`
		Normalized bool
		Special    bool
	}
	if err := strict(data, &tokens); err != nil {
		return err
	}
	if len(tokens) > mostAdded {
		return fmt.Errorf("are more than %d", mostAdded)
	}
	r.special, r.kept = map[string]int32{}, map[string]int32{}
	for _, token := range tokens {
		switch {
		case token.ID < 0 || token.ID >= mostPieces || token.Content == "":
			return fmt.Errorf("%.60q has no name or a number, %d, that is not within 0 and %d", token.Content, token.ID, mostPieces)
		case token.Special:
			r.special[token.Content] = token.ID
		case token.SingleWord || token.LeftStrip || token.RightStrip || token.Normalized:
			return fmt.Errorf("%.60q: single_word, lstrip, rstrip and normalized are supported for special pieces only", token.Content)
		default:
			r.kept[token.Content] = token.ID
		}
	}
	return nil
}

// languageName matches the names that languages have as pieces, such as "eng_Latn".
var languageName = regexp.MustCompile(`^[a-z]{3}_[A-Z][a-z]{3}$`)

// template reads which special pieces stand around a text.
func (r *reader) template(data []byte) (before, after []int32, err error) {
	name, err := kind(data)
	if err != nil {
		return nil, nil, err
	}
	switch name {
	case "TemplateProcessing":
		before, after, err = r.single(data)
	case "RobertaProcessing", "BertProcessing":
		before, after, err = classified(data)
	case "", "ByteLevel":
	default:
		return nil, nil, unsupported(name)
	}
	if err == nil && r.options.Language != "" && name != "TemplateProcessing" {
		err = fmt.Errorf("has no language that %.60q could take the place of", r.options.Language)
	}
	return before, after, err
}

// single reads the template for one text.
func (r *reader) single(data []byte) (before, after []int32, err error) {
	type named struct {
		ID   string
		Type int `json:"type_id"`
	}
	var section struct {
		Type   string
		Single []struct{ SpecialToken, Sequence *named }
		Pair   json.RawMessage
		Tokens map[string]struct {
			ID     string
			IDs    []int32
			Tokens []string
		} `json:"special_tokens"`
	}
	if err := strict(data, &section); err != nil {
		return nil, nil, err
	}
	texts, languages := 0, 0
	for _, part := range section.Single {
		if part.SpecialToken == nil {
			texts++
			continue
		}
		name := part.SpecialToken.ID
		ids := section.Tokens[name].IDs
		if r.options.Language != "" && languageName.MatchString(name) {
			languages++
			id, ok := r.special[r.options.Language]
			if !ok {
				return nil, nil, fmt.Errorf("there is no language %.60q", r.options.Language)
			}
			ids = []int32{id}
		}
		if len(ids) == 0 || slices.Min(ids) < 0 || slices.Max(ids) >= mostPieces {
			return nil, nil, fmt.Errorf("piece %.60q of the template has no number", name)
		}
		if texts == 0 {
			before = append(before, ids...)
		} else {
			after = append(after, ids...)
		}
	}
	switch {
	case texts != 1:
		return nil, nil, fmt.Errorf("template has the text %d times, not once", texts)
	case r.options.Language != "" && languages != 1:
		return nil, nil, fmt.Errorf("template has %d languages that %.60q could take the place of, not one", languages, r.options.Language)
	}
	return before, after, nil
}

// classified reads the post-processors that have one special piece at either end.
func classified(data []byte) (before, after []int32, err error) {
	var section struct {
		Type           string
		Sep, Cls       [2]any
		TrimOffsets    bool `json:"trim_offsets"`
		AddPrefixSpace bool `json:"add_prefix_space"`
	}
	if err := strict(data, &section); err != nil {
		return nil, nil, err
	}
	first, ok := section.Cls[1].(float64)
	last, okay := section.Sep[1].(float64)
	if !ok || !okay || first < 0 || last < 0 || first >= mostPieces || last >= mostPieces {
		return nil, nil, errors.New("sep or cls has no number")
	}
	return []int32{int32(first)}, []int32{int32(last)}, nil
}
