package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// textBatch is how many sentences go to the encoder in one call.
const textBatch = 32

// texts encodes sentences by the real plugin, each once: the vectors are kept in
// the work folder, a file a space.
type texts struct {
	encoder *host.EncoderHost
	about   *contract.EncoderDescription
	path    string
	known   map[string][]float32
}

func openTexts(ctx context.Context, o options) (*texts, error) {
	t := &texts{known: map[string][]float32{}, encoder: host.NewEncoder(host.Command{
		Kind: host.Encoder, Name: "encoder", Path: filepath.Join(o.binaries, "vsed-encoder-onnx"), Args: []string{"--bundle", o.bundle},
	}, host.Policy{}, slog.New(slog.DiscardHandler))}
	var err error
	if t.about, err = t.encoder.Describe(ctx); err != nil {
		return nil, joined(err, t.close())
	}
	t.path = filepath.Join(o.work, "texts-"+t.about.GetSpace()+".gob")
	if err := t.load(); err != nil {
		return nil, joined(err, t.close())
	}
	return t, nil
}

func (t *texts) load() error {
	file, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if err := gob.NewDecoder(file).Decode(&t.known); err != nil {
		return fmt.Errorf("read %s: remove it, it is made again: %w", t.path, err)
	}
	return nil
}

// encode gives the vectors of the sentences, in their order.
func (t *texts) encode(ctx context.Context, sentences []string) ([][]float32, error) {
	var missing []string
	for _, sentence := range sentences {
		if t.known[sentence] == nil {
			missing = append(missing, sentence)
		}
	}
	progress := newProgress("sentences", len(missing))
	for begin := 0; begin < len(missing); begin += textBatch {
		batch := missing[begin:min(begin+textBatch, len(missing))]
		embeddings, err := t.encoder.EncodeTexts(ctx, batch)
		if err != nil {
			return nil, err
		}
		for i, sentence := range batch {
			t.known[sentence] = embeddings[i].GetVector()
		}
		progress.show(begin + len(batch))
	}
	list := make([][]float32, len(sentences))
	for i, sentence := range sentences {
		list[i] = t.known[sentence]
	}
	if len(missing) == 0 {
		return list, nil
	}
	return list, t.keep()
}

func (t *texts) keep() error {
	file, err := os.Create(t.path + ".partial")
	if err != nil {
		return err
	}
	if err := joined(gob.NewEncoder(file).Encode(t.known), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), t.path)
}

func (t *texts) close() error { return t.encoder.Close() }
