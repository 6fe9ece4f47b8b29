// Command vsed-learn-folder makes the folder of a learning run from the features of a
// data set with tags, to measure `vsed-trainer learn` on it.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"vsed/encoders/bundle"
	"vsed/plugins/contract"
	"vsed/training/dataset"
	"vsed/training/features"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-learn-folder:", err)
		os.Exit(1)
	}
}

func run() error {
	labels := flag.String("labels", "../shared/data/corel5k/tags.tsv", "tags.tsv, a `file`")
	without := flag.String("without", "../shared/data/corel5k/dev.txt", "names of photos to leave out, a `file`")
	store := flag.String("features", "build/training/corel5k.features", "`file` of the features")
	folder := flag.String("bundle", "build/encoders/builtin", "`folder` of the encoder")
	count := flag.Int("count", 1000, "`number` of photos, drawn by chance")
	seed := flag.Uint64("seed", 0, "of what is drawn, and of the run")
	threads := flag.Int("threads", 2, "of the run")
	out := flag.String("out", "", "`folder` of the run")
	flag.Parse()
	set, err := dataset.ReadTags(*labels)
	if err != nil {
		return err
	}
	names, err := dataset.ReadNames(*without)
	if err != nil {
		return err
	}
	set = set.Without(names)
	var drawn dataset.Set
	for _, place := range rand.New(rand.NewPCG(*seed, 1)).Perm(len(set))[:min(*count, len(set))] {
		drawn = append(drawn, set[place])
	}
	open, err := features.Open(*store)
	if err != nil {
		return err
	}
	defer open.Close()
	pictures, err := open.Pictures(drawn.Names())
	if err != nil {
		return err
	}
	base, err := bundle.Read(*folder)
	if err != nil {
		return err
	}
	if space := base.FeatureSpace(); space != open.Origin.Space {
		return fmt.Errorf("%s has features of the space %s, the encoder %s has %s: make them anew", *store, open.Origin.Space, base.Name, space)
	}
	if *folder, err = filepath.Abs(*folder); err != nil {
		return err
	}
	return write(*out, contract.TrainingTask{
		Format: contract.TrainingFormat, Bundle: *folder, FeatureSpace: open.Origin.Space, Name: "learned-1", Seed: *seed, Threads: *threads,
	}, drawn, pictures)
}

func write(out string, task contract.TrainingTask, set dataset.Set, pictures *features.Pictures) (err error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	data, err := json.Marshal(task)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, contract.TaskFile), data, 0o600); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(out, contract.PhotosFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := bufio.NewWriter(file)
	encode := json.NewEncoder(lines)
	var stored []byte
	for i, photo := range set {
		if err := encode.Encode(contract.TrainingPhoto{Photo: int64(i + 1), Tags: photo.Tags}); err != nil {
			return err
		}
		stored = append(stored, pictures.Stored(i)...)
	}
	return errors.Join(lines.Flush(), os.WriteFile(filepath.Join(out, contract.FeaturesFile), stored, 0o600))
}
