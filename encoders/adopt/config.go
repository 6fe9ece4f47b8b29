package adopt

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// config is what is read of open_clip's model configuration.
type config struct {
	Dimensions int `json:"embed_dim"`
	Text       struct {
		Context   *int `json:"context_length"`
		Tokenizer struct {
			Clean string `json:"clean"`
		} `json:"tokenizer_kwargs"`
	} `json:"text_cfg"`
}

// standardContext is open_clip's where the configuration has none.
const standardContext = 77

func readConfig(folder string) (*config, error) {
	c := &config{}
	if err := readJSON(folder, configFile, c); err != nil {
		return nil, err
	}
	if c.Dimensions < 1 {
		return nil, fmt.Errorf("%s: embed_dim is %d, not the length of a vector", configFile, c.Dimensions)
	}
	if c.Text.Context == nil {
		context := standardContext
		c.Text.Context = &context
	}
	if *c.Text.Context < 1 {
		return nil, fmt.Errorf("%s: text_cfg.context_length is %d", configFile, *c.Text.Context)
	}
	switch c.Text.Tokenizer.Clean {
	case "", "whitespace", "lower", "canonicalize":
	default:
		return nil, fmt.Errorf("%s: text_cfg.tokenizer_kwargs.clean is %q, which is not known here", configFile, c.Text.Tokenizer.Clean)
	}
	return c, nil
}

// mostJSON bounds a configuration's bytes; tokenizers have their own bound.
const mostJSON = 1 << 20

// readJSON reads a stranger's configuration, whose other fields are for others.
func readJSON(folder, name string, into any) error {
	path := filepath.Join(folder, filepath.FromSlash(name))
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > mostJSON {
		return fmt.Errorf("%s is no file of at most %d bytes", name, mostJSON)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	err = json.Unmarshal(data, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: %s is a %s, not %s", name, wrong.Field, wrong.Value, wrong.Type)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
