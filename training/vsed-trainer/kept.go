package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vsed/training/checkpoint"
	"vsed/training/stage"
)

// keptStageOne gives the heads of stage I for a seed: from the folder for what is kept
// if a run with the same settings and the same data has been there, else from a run,
// whose heads it then keeps.
func (w *workshop) keptStageOne(ctx context.Context, seed uint64, report func(stage.Epoch, stage.Heads) error) (stage.Heads, error) {
	data := sha256.New()
	w.train.Digest(data)
	settings, err := json.Marshal(struct {
		Model modelConfig `json:"model"`
		One   stage.One   `json:"stage1"`
		Seed  uint64      `json:"seed"`
		Data  string      `json:"data"`
	}{w.Model, w.One, seed, hex.EncodeToString(data.Sum(nil))})
	if err != nil {
		return stage.Heads{}, err
	}
	key := sha256.Sum256(settings)
	path := filepath.Join(w.Kept, "stage1-"+hex.EncodeToString(key[:8])+".heads")
	heads := w.newHeads(seed)
	state, err := checkpoint.Read(path)
	switch {
	case err == nil:
		return heads, heads.Restore(state)
	case !errors.Is(err, os.ErrNotExist):
		return heads, err
	}
	if heads, err = w.stageOne(ctx, seed, report); err != nil {
		return heads, err
	}
	if err := os.MkdirAll(w.Kept, 0o755); err != nil {
		return heads, fmt.Errorf("keep heads: %w", err)
	}
	return heads, checkpoint.Write(path, checkpoint.State{Settings: settings, Tensors: heads.State()})
}
