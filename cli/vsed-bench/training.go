package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	stepTarget      = 1.2 // times as fast as PyTorch
	stepBoundTarget = 0.7 // of the pace of the matrix products alone
	stepThreads     = "2"
)

// stepTimes is what each of the three programs prints of its own, in milliseconds.
type stepTimes struct {
	Best      float64 `json:"ms_best"`
	Median    float64 `json:"ms_median"`
	Graph     float64 `json:"graph_ms"`
	Optimiser float64 `json:"optimiser_ms"`
	Torch     string  `json:"torch"`
	Peak      float64 `json:"peak_rss_mib"`
}

// benchTraining compares a training step with the same step in PyTorch and with the
// time that its matrix products alone take in a BLAS.
func benchTraining(ctx context.Context, o options, report func(figure)) error {
	program := filepath.Join(o.work, "vsed-step-bench")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./training/step/vsed-step-bench").CombinedOutput(); err != nil {
		return fmt.Errorf("build vsed-step-bench: %w: %s", err, output)
	}
	var ours, torch stepTimes
	step := func(ctx context.Context) (float64, error) {
		err := measureWith(ctx, &ours, program, "--threads", stepThreads, "--library", filepath.Join(o.binaries, "..", "build", "lib", "libonnxruntime.so.1"))
		return 1000 / ours.Median, err
	}
	sides, missing := stepPeers(ctx, o, &torch)
	own, theirs, err := takeTurns(ctx, o.runs, step, sides)
	if err != nil {
		return err
	}
	const name = "training step, 128 pairs, GRU 512 x 12"
	for i, other := range sides {
		f := compare(own, theirs[i], other.target)
		f.Bench, f.Unit, f.Peer = name, "steps/s", other.name
		f.Note = fmt.Sprintf("%.1f ms, of which graph %.1f and optimiser %.1f; other side %.1f ms", ours.Median, ours.Graph, ours.Optimiser, 1000/median(theirs[i]))
		report(f)
	}
	if missing != "" {
		report(figure{Bench: name, Value: round(median(own)), Unit: "steps/s", Target: fmt.Sprintf("ratio >= %.2f", stepTarget), Note: "not compared: " + missing})
	}
	memory := figure{Bench: "memory of a training run", Value: ours.Peak, Unit: "MiB", Target: "< 600", OK: ours.Peak < 600}
	if torch.Torch != "" {
		memory.Note = fmt.Sprintf("PyTorch %s: %.0f MiB", torch.Torch, torch.Peak)
	}
	report(memory)
	return nil
}

// stepPeers are those that can run here, and what keeps the others from it.
func stepPeers(ctx context.Context, o options, torch *stepTimes) (sides []side, missing string) {
	for _, peer := range []struct {
		name, program, module string
		target                float64
		time                  func(stepTimes) float64
	}{
		{"bound: the matrix products alone, NumPy's OpenBLAS", "gemm_bound.py", "numpy", stepBoundTarget, func(t stepTimes) float64 { return t.Best }},
		{"PyTorch", "train_step.py", "torch", stepTarget, func(t stepTimes) float64 { *torch = t; return t.Median }},
	} {
		program := filepath.Join(o.peers, peer.program)
		run := func(ctx context.Context) (float64, error) {
			var times stepTimes
			err := measureWith(ctx, &times, "env", "-u", "OPENBLAS_CORETYPE", "-u", "OPENBLAS_L2_SIZE", o.python, program, "--threads", stepThreads)
			return 1000 / peer.time(times), err
		}
		if err := canRun(ctx, o, program, peer.module); err != nil {
			missing = strings.TrimPrefix(missing+"; "+peer.name+": "+err.Error(), "; ")
			continue
		}
		sides = append(sides, side{peer.name, peer.target, run})
	}
	return sides, missing
}

// canRun says why a program in Python cannot run here.
func canRun(ctx context.Context, o options, program, module string) error {
	if _, err := os.Stat(program); err != nil {
		return err
	}
	if output, err := exec.CommandContext(ctx, o.python, "-c", "import "+module).CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return errors.New(cmp.Or(lines[len(lines)-1], err.Error()))
	}
	return nil
}
