package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// makePhotos writes JPEGs that weigh what a camera's do: smooth shapes under a
// sensor's grain. The folder appears when it is whole.
func makePhotos(ctx context.Context, folder string, count, width, height int) error {
	fmt.Fprintf(os.Stderr, "making %d pictures of %d × %d in %s\n", count, width, height, folder)
	partial := folder + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o755)); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for i := range count {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return writePhoto(filepath.Join(partial, fmt.Sprintf("%05d.jpg", i)), synthetic(uint64(i), width, height))
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return os.Rename(partial, folder)
}

func writePhoto(path string, picture image.Image) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(file)
	err = jpeg.Encode(buffered, picture, &jpeg.Options{Quality: 90})
	return errors.Join(err, buffered.Flush(), file.Close())
}

// synthetic draws waves of three colours with grain; one seed gives one picture.
func synthetic(seed uint64, width, height int) image.Image {
	random := rand.New(rand.NewPCG(seed, 1))
	picture := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	grain := make([]int, 1<<16)
	for i := range grain {
		grain[i] = int(random.NormFloat64() * 9)
	}
	wave := func() func(x, y int) float64 {
		fx, fy, phase := random.Float64()*12/float64(width), random.Float64()*12/float64(height), random.Float64()*6
		return func(x, y int) float64 { return math.Sin(fx*float64(x)+phase) * math.Cos(fy*float64(y)-phase) }
	}
	light, blue, red := wave(), wave(), wave()
	for y := range height {
		offset := random.IntN(len(grain))
		for x := range width {
			value := 128 + 90*light(x, y) + float64(grain[(offset+x)&(len(grain)-1)])
			picture.Y[picture.YOffset(x, y)] = uint8(min(255, max(0, value)))
		}
	}
	for y := 0; y < height; y += 2 {
		for x := 0; x < width; x += 2 {
			at := picture.COffset(x, y)
			picture.Cb[at], picture.Cr[at] = uint8(128+80*blue(x, y)), uint8(128+80*red(x, y))
		}
	}
	return picture
}
