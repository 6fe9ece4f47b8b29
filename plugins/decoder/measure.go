package decoder

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/vips"
)

// Measured is what the steps of decoding cost alone: the median CPU time of a
// photo in milliseconds. It is the bound that a whole pipeline is held against.
type Measured struct {
	Decode    float64 `json:"decode_ms"`    // JPEG to an eighth, from bytes in memory
	Eighth    float64 `json:"eighth_ms"`    // the same by package eighth, which is used where it can
	Resize    float64 `json:"resize_ms"`    // from there to 224 × 224, cubic
	Thumbnail float64 `json:"thumbnail_ms"` // from there to WebP of 320 pixels
}

// Measure takes JPEGs and the machine as it is; nothing else should run in this
// process.
func (d *Decoder) Measure(paths []string) (Measured, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	var decode, eighth, resize, thumbnail []float64
	for _, path := range paths {
		photo, err := os.ReadFile(path)
		if err != nil {
			return Measured{}, err
		}
		steps, err := d.measurePhoto(photo)
		if err != nil {
			return Measured{}, fmt.Errorf("measure %q: %w", path, err)
		}
		decode = append(decode, steps.Decode)
		if steps.Eighth > 0 {
			eighth = append(eighth, steps.Eighth)
		}
		resize = append(resize, steps.Resize)
		thumbnail = append(thumbnail, steps.Thumbnail)
	}
	return Measured{median(decode), median(eighth), median(resize), median(thumbnail)}, nil
}

func (d *Decoder) measurePhoto(photo []byte) (steps Measured, err error) {
	var pinner runtime.Pinner
	pinner.Pin(&photo[0])
	defer pinner.Unpin()
	start := cpuTime()
	image, err := vips.Load(jpegFormat.loader, photo, vips.Options{Shrink: 8})
	if err != nil {
		return steps, err
	}
	defer image.Close()
	if err := image.KeepInMemory(); err != nil {
		return steps, err
	}
	if err := makeSRGB(image); err != nil {
		return steps, err
	}
	steps.Decode = since(start)
	steps.Eighth = d.measureEighth(image, photo)
	start = cpuTime()
	if _, err := renderPicture(image, &contract.PictureFormat{Width: 224, Height: 224, Fit: contract.Fit_FIT_SQUASH, Kernel: contract.Kernel_KERNEL_CUBIC}); err != nil {
		return steps, err
	}
	steps.Resize = since(start)
	start = cpuTime()
	_, err = renderThumbnail(image, 320)
	steps.Thumbnail = since(start)
	return steps, err
}

// measureEighth is 0 for a photo that package eighth leaves to libvips.
func (d *Decoder) measureEighth(header *vips.Image, photo []byte) float64 {
	start := cpuTime()
	picture, err := d.eighth.Decode(photo)
	if err != nil {
		return 0
	}
	image, err := fromEighth(header, picture)
	if err != nil {
		return 0
	}
	defer image.Close()
	if image.KeepInMemory() != nil || makeSRGB(image) != nil {
		return 0
	}
	return since(start)
}

func since(start time.Duration) float64 {
	return float64((cpuTime() - start).Microseconds()) / 1000
}

// cpuTime is that of all threads of the process, in user and kernel mode.
func cpuTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0 // fails only for a bad argument
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
