package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	vectorRows, vectorDimensions   = 200_000, 512
	largeRows, largeDimensions     = 1_000_000, 768
	vectorQueries, vectorHits      = 50, 100
	exactPeer                      = 0.999 // recall from which a peer counts as exact: float16 is ours too
	scannedTarget, storedTarget    = 560, 1650
	addTarget, visibleTarget       = 50_000, 100
	togetherTarget, threadsTarget  = 3, 1.7
	filterTarget, proportionTarget = 0.05, 0.15
)

// scanned is what vsed-vector-bench prints, in milliseconds and bytes a row.
type scanned struct {
	Kernel     string  `json:"kernel"`
	Limit      float64 `json:"limit_ms"`
	Search     float64 `json:"ms_median"`
	P95        float64 `json:"ms_p95"`
	Ratio      float64 `json:"ratio"`
	Rescored   int     `json:"rescored"`
	Recall     float64 `json:"recall"`
	Threads2   float64 `json:"threads2_ms"`
	Speedup    float64 `json:"threads2_speedup"`
	Memory     float64 `json:"memory_speedup"`
	Filter     float64 `json:"filter_ms"`
	MakeFilter float64 `json:"filter_bitmap_ms"`
	Together   float64 `json:"together_ms"`
	Add        float64 `json:"add_per_s"`
	Visible    float64 `json:"visible_ms"`
	Scanned    float64 `json:"scanned_bytes"`
	Disk       float64 `json:"disk_bytes"`
}

// A vectorPeer is a line of vector_search.py.
type vectorPeer struct {
	Method string  `json:"method"`
	Median float64 `json:"ms_median"`
	P95    float64 `json:"ms_p95"`
	Recall float64 `json:"recall"`
	Build  float64 `json:"build_s"`
	Error  string  `json:"error"`
}

// vectorBenches compare the scan of the vector index, on one thread, with adding
// up the same bytes and with the libraries that peers use, on the same rows. The
// peers take minutes to build their graphs, so each draw is a bench of its own.
func vectorBenches() []bench {
	return []bench{
		{"vector-clustered", func(ctx context.Context, o options, report func(figure)) error {
			return benchVector(ctx, o, "clustered", 1.25, report)
		}},
		{"vector-crossmodal", func(ctx context.Context, o options, report func(figure)) error {
			return benchVector(ctx, o, "crossmodal", 1.4, report)
		}},
		{"vector-large", benchLarge},
	}
}

// benchVector takes rows of a draw; a search may take limit times as long as
// adding up.
func benchVector(ctx context.Context, o options, draw string, limit float64, report func(figure)) error {
	program, err := buildVectorBench(ctx, o)
	if err != nil {
		return err
	}
	ours, peers, note, err := scanWithPeers(ctx, o, program, draw)
	if err != nil {
		return err
	}
	reportScan(fmt.Sprintf("vector search, %d x %d, %s", vectorRows, vectorDimensions, draw), ours, limit, report)
	reportPeers(draw, ours, peers, note, report)
	reportRest(draw, ours, report)
	return nil
}

func buildVectorBench(ctx context.Context, o options) (program string, err error) {
	program = filepath.Join(o.work, "vsed-vector-bench")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./index/vector/vsed-vector-bench").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build vsed-vector-bench: %w: %s", err, output)
	}
	return program, nil
}

// scanWithPeers measures the peers, whose rows are ours too; without them rows
// are drawn here, and note says why.
func scanWithPeers(ctx context.Context, o options, program, draw string) (ours scanned, peers []vectorPeer, note string, err error) {
	prefix := filepath.Join(o.work, "vectors-"+draw)
	arguments := []string{"--work", o.work, "--dim", fmt.Sprint(vectorDimensions), "--k", fmt.Sprint(vectorHits)}
	if peers, err = runVectorPeers(ctx, o, draw, prefix); err != nil {
		note = "no peer, rows drawn here: " + err.Error()
		arguments = append(arguments, "--draw", draw, "--rows", fmt.Sprint(vectorRows))
	} else {
		arguments = append(arguments, "--data", prefix)
	}
	err = measureWith(ctx, &ours, program, arguments...)
	for _, suffix := range []string{".rows.f32", ".queries.f32"} {
		_ = os.Remove(prefix + suffix) // 400 MB; they are not there without peers
	}
	return ours, peers, note, err
}

func runVectorPeers(ctx context.Context, o options, draw, prefix string) (peers []vectorPeer, err error) {
	program := filepath.Join(o.peers, "vector_search.py")
	if _, err := os.Stat(program); err != nil {
		return nil, err
	}
	if output, err := exec.CommandContext(ctx, o.python, "-c", "import numpy, faiss, usearch, hnswlib, sqlite_vec").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return nil, errors.New(cmp.Or(lines[len(lines)-1], err.Error()))
	}
	command := exec.CommandContext(ctx, "env", "-u", "OPENBLAS_CORETYPE", "-u", "OPENBLAS_L2_SIZE", o.python, program, "--draw", draw, "--save", prefix,
		"--rows", fmt.Sprint(vectorRows), "--dim", fmt.Sprint(vectorDimensions), "--queries", fmt.Sprint(vectorQueries), "--k", fmt.Sprint(vectorHits))
	output, err := command.Output()
	if err != nil {
		return nil, describe(program, err)
	}
	for line := range bytes.Lines(output) {
		var peer vectorPeer
		if err := json.Unmarshal(line, &peer); err != nil {
			return nil, fmt.Errorf("%s: %w", program, err)
		}
		peers = append(peers, peer)
	}
	return peers, nil
}

func reportScan(name string, ours scanned, limit float64, report func(figure)) {
	report(figure{
		Bench: name, Value: round(ours.Search), Unit: "ms", Peer: "limit: adding up the same bytes", PeerValue: round(ours.Limit), Ratio: round(1 / ours.Ratio),
		Target: fmt.Sprintf("ratio >= %.3f (at most %.2f x the limit), recall 1", 1/limit, limit), OK: ours.Ratio <= limit && ours.Recall == 1,
		Note: fmt.Sprintf("%s, p95 %.3f ms, rows rescored %d, recall %.4f", ours.Kernel, ours.P95, ours.Rescored, ours.Recall),
	})
}

// reportPeers gives each peer a line; the target is for the fastest exact one.
func reportPeers(draw string, ours scanned, peers []vectorPeer, note string, report func(figure)) {
	fastest := vectorPeer{}
	for _, peer := range peers {
		if peer.Error == "" && peer.Recall >= exactPeer && (fastest.Method == "" || peer.Median < fastest.Median) {
			fastest = peer
		}
	}
	if fastest.Method == "" {
		report(figure{Bench: "vector search beside peers, " + draw, Value: round(ours.Search), Unit: "ms", Target: "ratio >= 2 to the fastest exact one", Note: cmp.Or(note, "no exact peer")})
	}
	for _, peer := range peers {
		f := figure{Bench: "vector search beside peers, " + draw, Value: round(ours.Search), Unit: "ms", Peer: peer.Method, Target: "none", OK: true}
		if peer.Error != "" {
			f.Note = peer.Error
			report(f)
			continue
		}
		f.PeerValue, f.Ratio = round(peer.Median), round(peer.Median/ours.Search)
		f.Note = fmt.Sprintf("recall %.4f, p95 %.3f ms, built in %.1f s", peer.Recall, peer.P95, peer.Build)
		if peer == fastest {
			f.Target, f.OK = "ratio >= 2 (the fastest exact one)", f.Ratio >= 2
		}
		report(f)
	}
}

// reportRest gives the figures that have no peer.
func reportRest(draw string, s scanned, report func(figure)) {
	least := func(name string, value float64, unit string, target float64, note string) {
		report(figure{Bench: name + ", " + draw, Value: round(value), Unit: unit, Target: fmt.Sprintf(">= %g", target), OK: value >= target, Note: note})
	}
	most := func(name string, value float64, unit string, target float64, note string) {
		report(figure{Bench: name + ", " + draw, Value: round(value), Unit: unit, Target: fmt.Sprintf("<= %g", target), OK: value <= target, Note: note})
	}
	most("vector search through a filter of 1 %", s.Filter/s.Search, "of a full scan", filterTarget,
		fmt.Sprintf("%.3f ms; making the bitmap %.3f ms", s.Filter, s.MakeFilter))
	most("vector index, scanned", s.Scanned, "bytes a vector", scannedTarget, "")
	most("vector index, on disk", s.Disk, "bytes a vector", storedTarget, "")
	least("vector search, 16 queries in one pass", s.Search/s.Together, "times as many a second", togetherTarget, fmt.Sprintf("%.3f ms a query", s.Together))
	least("vector index, adding", s.Add, "vectors/s", addTarget, "in batches of 500")
	most("vector index, visible after", s.Visible, "ms", visibleTarget, "p95, one row, with the search that finds it")
	threads := figure{Bench: "vector search, two threads, " + draw, Value: round(s.Speedup), Unit: "times as fast", Peer: "adding up on two threads", PeerValue: round(s.Memory),
		Target: fmt.Sprintf(">= %g where the memory allows", threadsTarget), Note: fmt.Sprintf("%.3f ms", s.Threads2)}
	threads.OK = s.Speedup >= min(threadsTarget, 0.9*s.Memory)
	report(threads)
}

// benchLarge checks that a large index is as fast in proportion to its bytes.
func benchLarge(ctx context.Context, o options, report func(figure)) error {
	program, err := buildVectorBench(ctx, o)
	if err != nil {
		return err
	}
	var small, large scanned
	if err := measureWith(ctx, &small, program, "--work", o.work, "--draw", "clustered", "--rows", fmt.Sprint(vectorRows), "--dim", fmt.Sprint(vectorDimensions)); err != nil {
		return err
	}
	if err := measureWith(ctx, &large, program, "--work", o.work, "--draw", "clustered", "--rows", fmt.Sprint(largeRows), "--dim", fmt.Sprint(largeDimensions)); err != nil {
		return err
	}
	reportScan(fmt.Sprintf("vector search, %d x %d, clustered", largeRows, largeDimensions), large, 1.25, report)
	expected := small.Search * large.Scanned * largeRows / (small.Scanned * vectorRows)
	report(figure{
		Bench: "vector search in proportion to the bytes", Value: round(large.Search), Unit: "ms", Peer: "the smaller index's pace", PeerValue: round(expected), Ratio: round(expected / large.Search),
		Target: fmt.Sprintf("ratio >= %.2f", 1/(1+proportionTarget)), OK: expected/large.Search >= 1/(1+proportionTarget),
		Note: fmt.Sprintf("two threads %.2f times as fast, the memory alone %.2f", large.Speedup, large.Memory),
	})
	return nil
}
