// Command vsed-tinyclip writes a tiny CLIP with random weights as it lies on a hub,
// for tests, benches and for trying a swap of encoders without a network. What
// makes a bundle of it is `vsed-encoder-onnx --adopt`.
package main

import (
	"flag"
	"fmt"
	"os"

	"vsed/encoders/tinyclip"
)

func main() {
	var chosen tinyclip.Options
	out := flag.String("out", "", "`folder` to write to")
	flag.BoolVar(&chosen.Newer, "newer", false, "the layout's second generation: uint8 pixels, weights in their own files")
	flag.BoolVar(&chosen.Half, "half", false, "weights, input and output in float16")
	flag.BoolVar(&chosen.Single, "single", false, "a graph for one picture at a time")
	flag.IntVar(&chosen.Side, "side", 32, "`pixels` of a picture's side, a multiple of 8")
	flag.IntVar(&chosen.Dimensions, "dimensions", 64, "length of a vector")
	flag.Uint64Var(&chosen.Seed, "seed", 1, "of the weights; another one is another space")
	flag.Parse()
	if *out == "" {
		fmt.Fprintln(os.Stderr, "vsed-tinyclip: --out names no folder")
		os.Exit(2)
	}
	if err := tinyclip.Write(*out, chosen); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-tinyclip:", err)
		os.Exit(1)
	}
}
