//go:build soak

package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"image/color"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsed/daemon/api"
	"vsed/encoders/tinyclip"
)

const (
	swapKills = 10
	swapQuery = "a red square"
)

// TestSoakSwap swaps the built-in encoder for a tiny CLIP on a library under
// queries, in the ways that a swap can be disturbed. The library is encoded by
// the built-in encoder once; each part begins with a copy of that.
func TestSoakSwap(t *testing.T) {
	base := builtinWorld(t)
	for i := range soakPhotos {
		base.photo(fmt.Sprintf("%d/%d.jpg", i%50, i), mixed(i), i)
	}
	began := time.Now()
	base.start()
	deadline := time.Now().Add(2 * time.Hour)
	for status := (api.Status{}); !status.Ready; time.Sleep(time.Second) {
		status, _ = base.client.Status(t.Context())
		if time.Now().After(deadline) {
			t.Fatalf("the library is not encoded: %+v", status.Photos)
		}
	}
	t.Logf("the built-in encoder took %.0f s for %d photos", time.Since(began).Seconds(), soakPhotos)
	base.install("tiny", tinyclip.Options{Seed: 1})
	base.stop()
	for _, part := range []struct {
		name string
		run  func(*world)
	}{
		{"under queries", swapUnderQueries}, {"killed", swapKilled}, {"with a folder offline", swapOffline}, {"with a full disk", swapFull},
	} {
		t.Run(part.name, func(t *testing.T) {
			w := builtinWorld(t)
			w.photos = base.photos
			w.copyState(base)
			part.run(w)
		})
	}
}

// copyState takes over what another world's daemon left, in a tmpfs for a part
// that fills the disk.
func (w *world) copyState(from *world) {
	w.Helper()
	w.check(os.MkdirAll(w.state, 0o700))
	if strings.HasSuffix(w.Name(), "full_disk") {
		if err := syscall.Mount("tmpfs", w.state, "tmpfs", 0, "size=700m"); err != nil {
			w.Skipf("no tmpfs can be mounted: %v", err)
		}
		w.Cleanup(func() {
			w.kill()
			w.check(syscall.Unmount(w.state, syscall.MNT_DETACH))
		})
	}
	if output, err := exec.Command("cp", "-a", from.state+"/.", w.state).CombinedOutput(); err != nil {
		w.Fatalf("copy the state: %v: %s", err, output)
	}
}

func mixed(i int) color.RGBA {
	return color.RGBA{uint8(i * 37), uint8(i * 91), uint8(i * 11), 255}
}

// install sends a tiny CLIP as it lies on a hub.
func (w *world) install(name string, options tinyclip.Options) {
	w.Helper()
	model := w.TempDir()
	w.check(tinyclip.Write(model, options))
	var sums, archive bytes.Buffer
	var files []string
	w.check(filepath.WalkDir(model, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), strings.TrimPrefix(path, model+"/"))
		files = append(files, path)
		return err
	}))
	packed := tar.NewWriter(&archive)
	add := func(name string, content []byte) {
		w.check(packed.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600}))
		_, err := packed.Write(content)
		w.check(err)
	}
	add("SHA256SUMS", sums.Bytes())
	for _, path := range files {
		content, err := os.ReadFile(path)
		w.check(err)
		add(strings.TrimPrefix(path, model+"/"), content)
	}
	w.check(packed.Close())
	report, err := w.client.InstallEncoder(w.Context(), name, &archive)
	w.check(err)
	w.Logf("installed %s: space %s, %.1f ms a picture, %d MB", name, report.Space, report.PictureMS, report.Memory>>20)
}

func builtinWorld(t *testing.T) *world {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bundle, library := filepath.Join(root, "build/encoders/builtin"), filepath.Join(root, "build/lib/libonnxruntime.so.1")
	if _, err := os.Stat(filepath.Join(bundle, "manifest.json")); err != nil {
		t.Skip("no built-in bundle: run `make model` first")
	}
	w := newWorld(t)
	w.environment = []string{"VSED_ENCODER_BUNDLE=" + bundle, "VSED_ONNXRUNTIME=" + library}
	return w
}

// cutOver waits until the swap has ended as it should.
func (w *world) cutOver(deadline time.Duration) api.Swap {
	w.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		swap, err := w.client.Swap(w.Context())
		if err == nil && swap.Stage == api.SwapNone && swap.Last != nil {
			if swap.Last.Failed != "" || swap.Last.Coverage.Total() != soakPhotos {
				w.Fatalf("the swap ended with %+v", swap.Last)
			}
			return swap
		}
	}
	swap, err := w.client.Swap(w.Context())
	w.Fatalf("no cut-over in %v: %+v, %v\n%s", deadline, swap, err, w.output)
	return swap
}

func swapUnderQueries(w *world) {
	w.start()
	first := w.answered(swapQuery)
	asking, began := w.ask(swapQuery), time.Now()
	w.use("tiny", false)
	swap := w.cutOver(time.Hour)
	took := time.Since(began)
	second := w.answered(swapQuery)
	before, after, longest := asking.wantOneStep(first, second)
	w.Logf("swapped in %.0f s: %d answers of the one before, %d of the one after, the longest took %v; covered %+v",
		took.Seconds(), before, after, longest.Round(time.Millisecond), swap.Last.Coverage)
	asking, began = w.ask(swapQuery), time.Now()
	_, err := w.client.SwapCommand(w.Context(), "rollback")
	w.check(err)
	w.until("it is rolled back", func() bool { swap, err := w.client.Swap(w.Context()); return err == nil && swap.Stage == api.SwapNone })
	took = time.Since(began)
	w.answered(swapQuery)
	before, after, longest = asking.wantOneStep(second, first)
	w.Logf("rolled back in %v: %d and %d answers, the longest took %v", took.Round(time.Millisecond), before, after, longest.Round(time.Millisecond))
	w.stop()
}

func swapKilled(w *world) {
	w.start()
	first := w.answered(swapQuery)
	w.use("tiny", false)
	asking := w.ask(swapQuery)
	asking.killed.Store(true)
	random := rand.New(rand.NewPCG(1, 2))
	var stages []string
	for range swapKills {
		time.Sleep(time.Duration(random.IntN(12_000)) * time.Millisecond)
		if swap, err := w.client.Swap(w.Context()); err == nil {
			stages = append(stages, fmt.Sprintf("%s %d", swap.Stage, swap.Coverage.Encoded))
		}
		w.kill()
		w.start()
	}
	swap := w.cutOver(time.Hour)
	before, after, _ := asking.wantOneStep(first, w.answered(swapQuery))
	w.Logf("killed %d times, at %q: %d and %d answers; covered %+v", swapKills, stages, before, after, swap.Last.Coverage)
	w.stop()
}

func swapOffline(w *world) {
	away := w.photos + "-away"
	w.start()
	first := w.answered(swapQuery)
	w.check(os.Rename(w.photos, away))
	w.Cleanup(func() { _ = os.Rename(away, w.photos) })
	w.untilStatus("the folder is offline", func(s api.Status) bool { return s.Photos.Offline == soakPhotos })
	asking := w.ask(swapQuery)
	w.use("tiny", false)
	swap := w.untilStage(api.SwapOffline)
	if len(swap.Offline) != 1 || swap.Offline[0].Text != w.photos {
		w.Errorf("it waits for %+v", swap.Offline)
	}
	time.Sleep(3 * time.Second)
	w.check(os.Rename(away, w.photos))
	swap = w.cutOver(time.Hour)
	before, after, _ := asking.wantOneStep(first, w.answered(swapQuery))
	w.Logf("waited for a folder that was away: %d and %d answers; covered %+v", before, after, swap.Last.Coverage)
	w.stop()
}

func swapFull(w *world) {
	ballast := filepath.Join(w.state, "ballast")
	w.start()
	first := w.answered(swapQuery)
	w.check(os.WriteFile(ballast, make([]byte, 450<<20), 0o600))
	if _, err := w.client.UseEncoder(w.Context(), api.SwapRequest{Encoder: "tiny"}); !isRefusal(err, 409) {
		w.Errorf("use without room: %v", err)
	}
	w.check(os.Remove(ballast))
	asking := w.ask(swapQuery)
	w.use("tiny", false)
	w.untilStage(api.SwapEncoding)
	fill(w.T, ballast)
	var swap api.Swap
	w.until("the full disk is told", func() bool {
		swap, _ = w.client.Swap(w.Context())
		return swap.Problem != ""
	})
	w.Logf("with a full disk: %s at %d photos: %s", swap.Stage, swap.Coverage.Encoded, swap.Problem)
	w.check(os.Remove(ballast))
	swap = w.cutOver(time.Hour)
	before, after, _ := asking.wantOneStep(first, w.answered(swapQuery))
	w.Logf("went on with room again: %d and %d answers; covered %+v", before, after, swap.Last.Coverage)
	w.stop()
}
