//go:build soak

package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A mirror is a consumer of a watcher's reports: it holds the photos that it was
// told of, with their sizes.
type mirror struct {
	t       *testing.T
	root    *Root
	mutex   sync.Mutex
	photos  map[string]int64
	rescans atomic.Int64
	changes atomic.Int64
	// holdUp keeps the first rescan from being done until it is closed, as a
	// catalogue that is slow would; nil: it does not.
	holdUp chan struct{}
}

func (m *mirror) changed(paths []string, _ time.Time) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, path := range paths {
		m.changes.Add(1)
		entry, err := m.root.Look(context.Background(), path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			m.drop(path)
		case err != nil:
			m.t.Error(err)
		case entry.Folder && entry.Rule == "":
			err = m.root.ScanFolder(context.Background(), path, m.see(m.photos))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				m.t.Error(err)
			}
		default:
			_ = m.see(m.photos)(entry)
		}
	}
}

func (m *mirror) drop(path string) {
	delete(m.photos, path)
	for photo := range m.photos {
		if strings.HasPrefix(photo, path+"/") {
			delete(m.photos, photo)
		}
	}
}

func (m *mirror) rescan(string, time.Time) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.rescans.Add(1) == 1 && m.holdUp != nil {
		<-m.holdUp
	}
	photos := map[string]int64{}
	if err := m.root.Scan(context.Background(), m.see(photos)); err != nil {
		m.t.Error(err)
	}
	m.photos = photos
}

func (m *mirror) see(photos map[string]int64) func(Entry) error {
	return func(entry Entry) error {
		if entry.Rule == "" && entry.Regular {
			photos[entry.Path] = entry.Size
		}
		return nil
	}
}

// differs names a difference to what is on the disk, or is empty.
func (m *mirror) differs() string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	there := map[string]int64{}
	err := filepath.WalkDir(m.root.Path(), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		there[strings.TrimPrefix(path, m.root.Path()+"/")] = info.Size()
		return err
	})
	if err != nil {
		return err.Error()
	}
	for path, size := range there {
		if known, ok := m.photos[path]; !ok || known != size {
			return fmt.Sprintf("%s has %d bytes, known are %d (%v)", path, size, known, ok)
		}
	}
	if len(there) != len(m.photos) {
		return fmt.Sprintf("%d photos are known, %d are there", len(m.photos), len(there))
	}
	return ""
}

// TestSoakStorm makes 50,000 photos as fast as the disk allows, renames and
// deletes among them.
func TestSoakStorm(t *testing.T) {
	t.Run("consumer keeps up", func(t *testing.T) { testStorm(t, nil) })
	t.Run("consumer is held up", func(t *testing.T) { testStorm(t, make(chan struct{})) })
}

func testStorm(t *testing.T, holdUp chan struct{}) {
	const photos, writers = 50_000, 4
	queue, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	folder := t.TempDir()
	for writer := range writers {
		must(t, os.Mkdir(filepath.Join(folder, fmt.Sprint(writer)), 0o755))
	}
	m := &mirror{t: t, root: NewRoot(folder, 0), photos: map[string]int64{}, holdUp: holdUp}
	log := &lockedBuilder{}
	watcher := New(m.root, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- watcher.Run(ctx, m.changed, m.rescan) }()
	eventually(t, "watching begins", func() bool { return m.rescans.Load() > 0 })

	start := time.Now()
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() { storm(t, folder, writer, photos/writers) })
	}
	group.Wait()
	made := time.Since(start)
	if holdUp != nil {
		close(holdUp)
	}
	eventually(t, "the consumer knows what is there", func() bool { return watcher.Pending().IsZero() && m.differs() == "" })
	known := time.Since(start) - made
	cancel()
	<-ended
	if difference := m.differs(); difference != "" {
		t.Error(difference)
	}
	overflows := strings.Count(log.String(), "events of a folder were lost")
	if holdUp != nil && overflows == 0 {
		t.Error("the queue did not overflow: the test shows nothing")
	}
	if !strings.HasPrefix(watcher.Mode(), Watching) {
		t.Errorf("mode %s", watcher.Mode())
	}
	t.Logf("storm: %d files made in %.1f s (%.0f a second), %d left, known %.1f s after; queue of %s events, overflowed %d times, %d rescans, %d single paths",
		photos, made.Seconds(), photos/made.Seconds(), len(m.photos), known.Seconds(), strings.TrimSpace(string(queue)),
		overflows, m.rescans.Load(), m.changes.Load())
}

// storm works in folders of its own, which it makes, renames and removes.
func storm(t *testing.T, root string, writer, photos int) {
	random := rand.New(rand.NewPCG(uint64(writer), 1))
	var folders, files []string
	for made := range photos {
		if made%500 == 0 {
			name := fmt.Sprintf("%s/%d-%d/deep/er", root, writer, made)
			if err := os.MkdirAll(name, 0o755); err != nil {
				t.Error(err)
			}
			folders = append(folders, name)
		}
		name := fmt.Sprintf("%s/%d.jpg", folders[len(folders)-1], made)
		if made%2 == 0 { // where there is a watch already
			name = fmt.Sprintf("%s/%d/%d.jpg", root, writer, made)
		}
		if err := os.WriteFile(name, make([]byte, random.IntN(100)), 0o644); err != nil {
			t.Error(err)
		}
		files = append(files, name)
		// What was renamed with its folder cannot be found by its old name any more.
		old := files[random.IntN(len(files))]
		switch random.IntN(20) {
		case 0:
			_ = os.Remove(old)
		case 1:
			_ = os.Rename(old, fmt.Sprintf("%s/renamed-%d-%d.jpg", root, writer, made))
		case 2:
			_ = os.WriteFile(old, []byte("again"), 0o644)
		}
		if made%700 == 699 {
			top := filepath.Dir(filepath.Dir(folders[random.IntN(len(folders))]))
			if top != filepath.Dir(filepath.Dir(folders[len(folders)-1])) {
				_ = os.Rename(top, fmt.Sprintf("%s/moved-%d-%d", root, writer, made))
			}
		}
		if made%3000 == 2999 {
			_ = os.RemoveAll(filepath.Dir(filepath.Dir(folders[0])))
		}
	}
}

// TestSoakMillionFiles times the walk alone: what the catalogue takes comes on
// top.
func TestSoakMillionFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a filesystem")
	}
	const folders, photos = 1000, 1000
	root := t.TempDir()
	must(t, syscall.Mount("vsed-test", root, "tmpfs", 0, "size=8g,nr_inodes=1100000"))
	t.Cleanup(func() { must(t, syscall.Unmount(root, 0)) })
	start := time.Now()
	var group sync.WaitGroup
	for half := range 2 {
		group.Go(func() {
			for folder := half; folder < folders; folder += 2 {
				name := fmt.Sprintf("%s/%02d/%03d", root, folder%40, folder)
				err := os.MkdirAll(name, 0o755)
				for photo := range photos {
					err = errors.Join(err, os.WriteFile(fmt.Sprintf("%s/IMG_%06d.jpg", name, photo), nil, 0o644))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	t.Logf("made in %.1f s", time.Since(start).Seconds())
	for _, rules := range []string{"", "*.png\nprivate/\n**/cache/*\n!keep.png\n"} {
		if rules != "" {
			must(t, os.WriteFile(filepath.Join(root, ".vsedignore"), []byte(rules), 0o644))
		}
		start := time.Now()
		var before, after syscall.Rusage
		must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &before))
		count := 0
		must(t, NewRoot(root, 0).Scan(t.Context(), func(entry Entry) error {
			if entry.Regular && entry.Rule == "" {
				count++
			}
			return nil
		}))
		took := time.Since(start)
		must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &after))
		if count != folders*photos {
			t.Errorf("got %d files", count)
		}
		t.Logf("walk of %d files, %d patterns: %.2f s, %.2f s of CPU; at most %d MB resident", count, strings.Count(rules, "\n"), took.Seconds(),
			cpu(&after)-cpu(&before), after.Maxrss>>10)
		if took > 40*time.Second || after.Maxrss>>10 > 300 {
			t.Error("that is too much")
		}
	}
}

func cpu(usage *syscall.Rusage) float64 {
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
