// Command vsed-vector-bench measures the vector index and prints one JSON object.
// Rows and queries are drawn, or read as raw little-endian float32, as
// vector_search.py --save writes them: PREFIX.rows.f32 and PREFIX.queries.f32.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"vsed/index/vector"
)

const (
	// batchRows is what the daemon applies at a time.
	batchRows = 500
	// together is the number of queries of one pass.
	together = 16
	// scarce is the share of rows, one in so many, that the filter lets through.
	scarce     = 100
	queryCount = 50
	// checked is the number of queries whose answer is compared with the exact
	// scores of all rows.
	checked = 3
)

// A figures is what is printed. Times are medians in milliseconds.
type figures struct {
	Kernel     string  `json:"kernel"`
	Rows       int     `json:"rows"`
	Dimensions int     `json:"dim"`
	K          int     `json:"k"`
	Limit      float64 `json:"limit_ms"` // adding up the same bytes, one thread
	Search     float64 `json:"ms_median"`
	SearchP95  float64 `json:"ms_p95"`
	Ratio      float64 `json:"ratio"` // median over the queries of search to limit, in turns
	Rescored   int     `json:"rescored"`
	Recall     float64 `json:"recall"`
	Threads2   float64 `json:"threads2_ms"`
	Speedup    float64 `json:"threads2_speedup"` // of two threads over one
	Memory     float64 `json:"memory_speedup"`   // of two threads that only add up, each other bytes
	Filter     float64 `json:"filter_ms"`        // one row in a hundred, the next search of a filter
	MakeFilter float64 `json:"filter_bitmap_ms"` // what the first one takes longer, with making the set
	Together   float64 `json:"together_ms"`      // a query, of 16 in one pass
	Add        float64 `json:"add_per_s"`
	Visible    float64 `json:"visible_ms"` // one row, from Apply to the end of the search that finds it
	Scanned    float64 `json:"scanned_bytes"`
	Disk       float64 `json:"disk_bytes"`
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-vector-bench:", err)
		os.Exit(1)
	}
}

func run(arguments []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("vsed-vector-bench", flag.ContinueOnError)
	prefix := flags.String("data", "", "`prefix` of the files of rows and queries; empty: they are drawn")
	draw := flags.String("draw", "clustered", "clustered or crossmodal, where no files are given")
	rows := flags.Int("rows", 200_000, "`number` of rows to draw")
	dimensions := flags.Int("dim", 512, "`number` of dimensions")
	k := flags.Int("k", 100, "`number` of hits")
	work := flags.String("work", os.TempDir(), "`folder` for the index, which is removed after")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(*work, "vector-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var from source = files{*prefix, *dimensions}
	if *prefix == "" {
		if from, err = newDrawn(*draw, *rows, *dimensions); err != nil {
			return err
		}
	}
	queries := from.queries(queryCount)
	if len(queries) == 0 {
		return fmt.Errorf("no queries in %s.queries.f32", *prefix)
	}
	f := figures{Dimensions: *dimensions, K: *k}
	if err := f.build(dir, from); err != nil {
		return err
	}
	if err := f.measureOne(dir, queries); err != nil {
		return err
	}
	if err := f.measureTwo(dir, queries); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(f)
}

// Files are those of vector_search.py.
type files struct {
	prefix     string
	dimensions int
}

func (f files) rows(take func([]float32) error) error {
	return readVectors(f.prefix+".rows.f32", f.dimensions, take)
}

func (f files) queries(count int) (queries [][]float32) {
	// A file that cannot be read has no queries.
	_ = readVectors(f.prefix+".queries.f32", f.dimensions, func(values []float32) error {
		if len(queries) < count {
			queries = append(queries, slices.Clone(values))
		}
		return nil
	})
	return queries
}

// readVectors calls with each vector of the file; the slice is used again.
func readVectors(path string, dimensions int, take func([]float32) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	bytes, values := make([]byte, 4*dimensions), make([]float32, dimensions)
	for buffered := bufio.NewReaderSize(file, 1<<20); ; {
		if _, err := io.ReadFull(buffered, bytes); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("%s: %w", path, err)
		}
		for i := range values {
			b := bytes[4*i:]
			values[i] = math.Float32frombits(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
		}
		if err := take(values); err != nil {
			return err
		}
	}
}

// build fills an index in batches; making the rows is not measured.
func (f *figures) build(dir string, from source) error {
	x, err := vector.Open(dir, f.Dimensions, vector.Options{})
	if err != nil {
		return err
	}
	var batch []vector.Vector
	var spent time.Duration
	apply := func() error {
		begin := time.Now()
		defer func() { spent += time.Since(begin) }()
		err := x.Apply(batch, nil, int64(f.Rows))
		batch = batch[:0]
		return err
	}
	err = from.rows(func(values []float32) error {
		f.Rows++
		batch = append(batch, vector.Vector{ID: int64(f.Rows), Values: slices.Clone(values)})
		if len(batch) < batchRows {
			return nil
		}
		return apply()
	})
	if err = errors.Join(err, apply()); err != nil {
		return errors.Join(err, x.Close())
	}
	f.Add = float64(f.Rows) / spent.Seconds()
	return x.Close()
}
