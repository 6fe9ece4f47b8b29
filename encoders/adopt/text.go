package adopt

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/encoders/tokenizer"
)

func readText(folder string, c *config, language string) (*bundle.Text, error) {
	model, err := runtime.Inspect(filepath.Join(folder, filepath.FromSlash(textFile)))
	if err != nil {
		return nil, err
	}
	text := &bundle.Text{
		Graph: graphOf(textFile, model), Context: *c.Text.Context, Padded: true, Pooling: "none",
		Tokenizer: bundle.Tokenizer{
			Kind: "huggingface", File: tokenizerFile, Config: tokensFile, Canonicalize: c.Text.Tokenizer.Clean == "canonicalize",
		},
	}
	if err := readTextPorts(model, text); err != nil {
		return nil, fmt.Errorf("%s: %w", textFile, err)
	}
	if text.Output, err = vectorOutput(model, c.Dimensions); err != nil {
		return nil, fmt.Errorf("%s: %w", textFile, err)
	}
	text.Tokenizer.Language, err = readTokenizer(folder, text, language)
	return text, err
}

// readTextPorts knows CLIP's one input, and the pieces and mask of multilingual
// text towers.
func readTextPorts(model *runtime.Model, text *bundle.Text) error {
	var names []string
	for _, port := range model.Inputs {
		names = append(names, port.Name)
		if port.Type != "int32" && port.Type != "int64" {
			return fmt.Errorf("input %q is %s, not int32 or int64", port.Name, port.Type)
		}
		if text.Type != "" && port.Type != text.Type {
			return fmt.Errorf("inputs are %s and %s", text.Type, port.Type)
		}
		text.Type = port.Type
		if err := checkSides(port, text.Context); err != nil {
			return err
		}
	}
	switch {
	case len(names) == 1:
		text.Tokens = names[0]
	case len(names) == 2 && slices.Contains(names, "input_ids") && slices.Contains(names, "attention_mask"):
		text.Tokens, text.Mask = "input_ids", "attention_mask"
	default:
		return fmt.Errorf("takes %s; known are one input, or input_ids and attention_mask", strings.Join(names, ", "))
	}
	return nil
}

func checkSides(port runtime.Port, context int) error {
	if len(port.Dims) != 2 || port.Dims[0] > 1 {
		return fmt.Errorf("input %q has shape %v, not one text at a time", port.Name, port.Dims)
	}
	if side := port.Dims[1]; side > 0 && side != int64(context) {
		return fmt.Errorf("input %q has %d pieces, text_cfg.context_length in %s is %d", port.Name, side, configFile, context)
	}
	return nil
}

// standardLanguage is that of texts where nobody chose another, in tokenizers that
// put a language before a text, as NLLB's.
const standardLanguage = "eng_Latn"

// readTokenizer reads the tokenizer as the encoder will, and gives the language of
// its texts; "" where it has none.
func readTokenizer(folder string, text *bundle.Text, language string) (string, error) {
	var files [2][]byte
	for i, name := range []string{tokenizerFile, tokensFile} {
		var err error
		if files[i], err = os.ReadFile(filepath.Join(folder, filepath.FromSlash(name))); err != nil {
			return "", err
		}
	}
	options := tokenizer.Options{Context: text.Context, Canonicalize: text.Tokenizer.Canonicalize, Language: cmp.Or(language, standardLanguage)}
	_, err := tokenizer.FromJSON(files[0], files[1], options)
	if err != nil && language == "" {
		options.Language = ""
		_, err = tokenizer.FromJSON(files[0], files[1], options)
	}
	if err != nil {
		return "", fmt.Errorf("textual: %w", err)
	}
	return options.Language, nil
}
