package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"vsed/training/dataset"
	"vsed/training/words"
)

// webSetOptions are the flags of webset.
type webSetOptions struct {
	Metadata, Folder string
	Captions, Pieces string
	Out, Addresses   string
	Keywords         int
	LeastTags        int
	MostPerOwner     int
	Distinct         string
}

func runWebSet(_ context.Context, arguments []string) error {
	var o webSetOptions
	flags := newFlags("webset")
	flags.StringVar(&o.Metadata, "metadata", "", "`file` of YFCC100M's metadata, .bz2 or .gz too, or several with commas between")
	flags.StringVar(&o.Folder, "folder", "", "`folder` of photos with sidecars, one below it for each owner")
	flags.StringVar(&o.Captions, "captions", "../shared/data/flickr8k/captions.train.tsv", "`file` of the captioned set, Karpathy's .json and VSE++'s .txt too, whose most frequent content words are the keywords")
	flags.StringVar(&o.Pieces, "english", "build/encoders/builtin/vocab.txt", "`file` of a tokenizer's English words; the captions' own count too")
	flags.StringVar(&o.Out, "out", "", "`file` to write, as tags.tsv")
	flags.StringVar(&o.Addresses, "addresses", "", "`file` for the photos' names and addresses, to download them by")
	flags.StringVar(&o.Distinct, "distinct", "", "`folder` with the photos downloaded: leave out those that are not there, and all but one of the same content")
	flags.IntVar(&o.Keywords, "keywords", 1000, "`number` of keywords, one of which a photo must have as a tag")
	flags.IntVar(&o.LeastTags, "least-tags", 2, "`number` of English tags that a photo must have")
	flags.IntVar(&o.MostPerOwner, "most-per-owner", 5, "`number` of photos that one owner may have")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	return o.run(os.Stdout)
}

// run builds the set, and prints how many photos each rule has left out.
func (o webSetOptions) run(output io.Writer) error {
	switch {
	case (o.Metadata == "") == (o.Folder == ""):
		return errors.New("name either --metadata or --folder")
	case o.Out == "":
		return errors.New("--out must name a file")
	case o.Keywords < 1 || o.LeastTags < 1 || o.MostPerOwner < 1:
		return errors.New("--keywords, --least-tags and --most-per-owner must be 1 or more")
	}
	rules, err := o.rules()
	if err != nil {
		return err
	}
	w := dataset.NewWebSet(rules)
	if err := o.offer(w); err != nil {
		return err
	}
	return o.write(w, output)
}

func (o webSetOptions) offer(w *dataset.WebSet) error {
	if o.Folder != "" {
		return w.OfferFolder(o.Folder)
	}
	for path := range strings.SplitSeq(o.Metadata, ",") {
		if err := w.OfferYFCC(path); err != nil {
			return err
		}
	}
	return nil
}

// rules are the paper's, with the keywords of the captioned set.
func (o webSetOptions) rules() (dataset.Rules, error) {
	set, err := dataset.ReadCaptioned(o.Captions)
	if err != nil {
		return dataset.Rules{}, err
	}
	if learned := set.Split("train", "restval"); len(learned) > 0 {
		set = learned // the others choose or test, and no keywords
	}
	var photos [][]string
	var captions []string
	for _, photo := range set {
		photos, captions = append(photos, photo.Captions), append(captions, photo.Captions...)
	}
	file, err := os.Open(o.Pieces)
	if err != nil {
		return dataset.Rules{}, fmt.Errorf("list of English words: %w", err)
	}
	defer file.Close()
	pieces, err := words.ReadPieces(file)
	if err != nil {
		return dataset.Rules{}, err
	}
	return dataset.Rules{
		Keywords:  words.NewTagger().Keywords(photos, o.Keywords),
		English:   words.NewEnglish(pieces, words.Frequent(captions, 1).Words()).Tag,
		LeastTags: o.LeastTags, MostPerOwner: o.MostPerOwner,
	}, nil
}

func (o webSetOptions) write(w *dataset.WebSet, output io.Writer) error {
	set := w.Set
	if o.Distinct != "" {
		distinct, err := set.Distinct(o.Distinct)
		if err != nil {
			return err
		}
		w.Left.Duplicates += len(set) - len(distinct)
		w.Left.Taken, set = len(distinct), distinct
	}
	if len(set) == 0 {
		return errors.Join(json.NewEncoder(output).Encode(w.Left), errors.New("no photo is left by the rules: see how many each has left out"))
	}
	if err := writeFile(o.Out, func(out io.Writer) error { return dataset.WriteTags(out, set) }); err != nil {
		return err
	}
	if o.Addresses != "" {
		err := writeFile(o.Addresses, func(out io.Writer) error {
			for _, photo := range set {
				if _, err := fmt.Fprintf(out, "%s\t%s\n", photo.Name, photo.URL); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(output).Encode(w.Left)
}
