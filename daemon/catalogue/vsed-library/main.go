// Command vsed-library makes the state of a large library that was never there:
// a catalogue of photos with tags, titles, places and dates as people have them,
// and a vector of each, and a feature where that is asked for, all drawn from a seed. Its folder does not exist, so that
// a daemon takes the photos for offline, and finds them. It is for measuring
// searches, and writes into the catalogue's tables, which takes seconds where
// taking in photo by photo takes many minutes.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vsed/daemon/catalogue"
)

// A plan is what to make.
type plan struct {
	state, folder, space string
	photos, dimensions   int
	seed                 uint64
	features             string // feature space; "": none
	featureParts         []int  // widths, as the encoder's features have them
}

func main() {
	var p plan
	flag.StringVar(&p.state, "state", "", "`folder` to make, where there is none yet")
	flag.StringVar(&p.folder, "folder", "/nowhere/photos", "`path` of the photos, which is not looked at")
	flag.StringVar(&p.space, "space", "", "`name` of the vectors' space, as vsectl status gives it")
	flag.IntVar(&p.photos, "photos", 275_000, "how many")
	flag.IntVar(&p.dimensions, "dimensions", 640, "of the vectors")
	flag.StringVar(&p.features, "features", "", "`name` of the features' space; without one none are made")
	flag.Func("feature-parts", "`widths` of the features' parts, with commas between", p.readParts)
	flag.Uint64Var(&p.seed, "seed", 1, "of all that is drawn")
	flag.Parse()
	if err := p.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-library:", err)
		os.Exit(1)
	}
}

func (p *plan) readParts(text string) error {
	for _, one := range strings.Split(text, ",") {
		width, err := strconv.Atoi(one)
		if err != nil {
			return err
		}
		p.featureParts = append(p.featureParts, width)
	}
	return nil
}

// run makes the state beside its place and moves it there once it is whole.
func (p plan) run(ctx context.Context) error {
	if p.state == "" || p.space == "" {
		return errors.New("--state and --space must be given")
	}
	if _, err := os.Stat(p.state); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is there already: remove it first", p.state)
	}
	partial := p.state + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := p.tables(ctx, partial); err != nil {
		return err
	}
	if err := p.fill(ctx, partial); err != nil {
		return err
	}
	if p.features != "" {
		if err := within(ctx, filepath.Join(partial, "features", p.features+".db"), func(tx *sql.Tx) error { return p.fillFeatures(ctx, tx) }); err != nil {
			return err
		}
	}
	return os.Rename(partial, p.state)
}

// tables has the catalogue make its tables and the space's.
func (p plan) tables(ctx context.Context, state string) (err error) {
	c, err := catalogue.Open(ctx, state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	space, err := c.Space(ctx, p.space)
	if err == nil {
		err = space.Describe(ctx, catalogue.Description{FeatureSpace: p.features})
	}
	if err != nil {
		return err
	}
	return c.Serve(ctx, space)
}

func (p plan) fill(ctx context.Context, state string) error {
	return within(ctx, filepath.Join(state, "catalogue.db"), func(tx *sql.Tx) error {
		return within(ctx, filepath.Join(state, "spaces", p.space+".db"), func(space *sql.Tx) error {
			w, err := newWriter(ctx, tx, space, p)
			if err != nil {
				return err
			}
			for id := 1; id <= p.photos; id++ {
				if err := w.write(ctx, id); err != nil {
					return fmt.Errorf("photo %d: %w", id, err)
				}
			}
			if _, err := space.ExecContext(ctx, "PRAGMA user_version = 1"); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "UPDATE space SET stored = 1")
			return err
		})
	})
}

// within runs write in one transaction of a database.
func within(ctx context.Context, path string, write func(*sql.Tx) error) (err error) {
	name := (&url.URL{Scheme: "file", Path: path}).String() + "?_synchronous=OFF&_cache_size=-200000"
	db := sql.OpenDB(connector{name})
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := write(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
