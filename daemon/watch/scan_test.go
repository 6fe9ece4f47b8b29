package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// scan gives a line an entry: its path, and its rule or problem.
func scan(t testing.TB, root string) []string {
	t.Helper()
	var entries []Entry
	must(t, NewRoot(root, 0).Scan(context.Background(), func(entry Entry) error {
		entries = append(entries, entry)
		return nil
	}))
	return lines(entries)
}

func lines(entries []Entry) (lines []string) {
	for _, entry := range entries {
		line := entry.Path
		if entry.Rule != "" {
			line += " | " + entry.Rule
		}
		if entry.Sidecar {
			line += " (sidecar)"
		}
		if entry.Problem != nil {
			line += " ! " + entry.Problem.Error()
		}
		lines = append(lines, line)
	}
	return lines
}

func expectScan(t *testing.T, root string, want ...string) {
	t.Helper()
	if got := scan(t, root); !slices.Equal(got, want) {
		t.Errorf("got\n %q\nwant\n %q", got, want)
	}
}

func TestScanOrderAndRules(t *testing.T) {
	root := t.TempDir()
	write(t, root, "b.jpg", "a/z.PNG", "a/.hidden.jpg", "a.jpeg", "B.tif", "a/@eaDir/b.jpg", ".trash/x.jpg", "c.txt", "d", "e.", "f.strange!", "g.raw.heic", "h.verylongextension",
		"a.jpg.XMP", "raw/1.DNG", "raw/2.cr2", "raw/3.nef", "raw/4.arw", "raw/5.cr3", "raw/6.raf", "raw/7.orf", "raw/8.rw2",
		"t/1.jpg~", "t/2.jpg.part", "t/3.CRDOWNLOAD", "t/4.tmp", "t/.5.jpg.AbCdEf", "t/~6.jpg",
		"$Recycle.Bin/x.jpg", "#recycle/x.jpg", ".Trash-1000/x.jpg", "lost+found/x.jpg", ".thumbnails/x.jpg")
	must(t, unix.Mkfifo(filepath.Join(root, "pipe.jpg"), 0o600))
	must(t, os.Mkdir(filepath.Join(root, "empty.jpg"), 0o755))
	expectScan(t, root,
		"#recycle | trash: #recycle",
		"$Recycle.Bin | trash: $RECYCLE.BIN",
		".Trash-1000 | trash: .Trash*",
		".thumbnails | thumbnails: .thumbnails",
		".trash | hidden: .*",
		"B.tif",
		"a/.hidden.jpg | hidden: .*",
		"a/@eaDir | thumbnails of a Synology NAS: @eaDir",
		"a/z.PNG",
		"a.jpeg",
		"a.jpg.XMP (sidecar)",
		"b.jpg",
		"c.txt | not a photo: .txt",
		"d | not a photo: no extension",
		"e. | not a photo: no extension",
		"f.strange! | not a photo: unusual extension",
		"g.raw.heic",
		"h.verylongextension | not a photo: unusual extension",
		"lost+found | remains of a damaged filesystem: lost+found",
		"pipe.jpg | not a regular file",
		"raw/1.DNG", "raw/2.cr2", "raw/3.nef", "raw/4.arw", "raw/5.cr3", "raw/6.raf", "raw/7.orf", "raw/8.rw2",
		"t/.5.jpg.AbCdEf | hidden: .*",
		"t/1.jpg~ | temporary name: *~",
		"t/2.jpg.part | temporary name: *.part",
		"t/3.CRDOWNLOAD | temporary name: *.crdownload",
		"t/4.tmp | temporary name: *.tmp",
		"t/~6.jpg",
	)
}

func TestScanIgnoreFiles(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.png", "a.jpg", "a/b.png", "a/keep.png", "a/c.jpg", "private/d.jpg", ".family/e.jpg", "a/deep/f.jpg", "bad/g.jpg", "bad/h/i.jpg", "link/j.jpg")
	text := func(name, text string) { must(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644)) }
	text(".vsedignore", "*.png\nprivate/\n!.family\n!notes.txt\n")
	text("notes.txt", "")
	text("a/.vsedignore", "# here\n!keep.png\nf.*")
	text("bad/.vsedignore", strings.Repeat("\n", 70<<10))
	must(t, os.Symlink("../a.jpg", filepath.Join(root, "link/.vsedignore")))
	want := []string{
		".family/e.jpg",
		".vsedignore | hidden: .*",
		"a/.vsedignore | hidden: .*",
		"a/b.png | .vsedignore:1: *.png",
		"a/c.jpg",
		"a/deep/f.jpg | a/.vsedignore:3: f.*",
		"a/keep.png",
		"a.jpg",
		"a.png | .vsedignore:1: *.png",
		"bad ! bad/.vsedignore is larger than 64 KiB: shorten it",
		"link ! link/.vsedignore: a symbolic link is in the way: too many levels of symbolic links",
		"notes.txt | not a photo: .txt",
		"private | .vsedignore:2: private/",
	}
	expectScan(t, root, want...)
	for _, line := range want {
		relative, rule, _ := strings.Cut(line, " | ")
		if strings.Contains(line, " ! ") {
			continue
		}
		if entry, err := look(root, relative); err != nil || entry.Rule != rule {
			t.Errorf("look: %s: got %q, %v", relative, entry.Rule, err)
		}
	}
	if entry, err := look(root, "private/d.jpg"); err != nil || entry.Rule != ".vsedignore:2: private/" {
		t.Errorf("below an ignored folder: got %q, %v", entry.Rule, err)
	}
	if _, err := look(root, "bad/g.jpg"); err == nil || !strings.Contains(err.Error(), "bad/.vsedignore is larger") {
		t.Errorf("below rules that cannot be read: got %v", err)
	}
	var below []Entry
	must(t, NewRoot(root, 0).ScanFolder(context.Background(), "a/deep", func(entry Entry) error { below = append(below, entry); return nil }))
	if got := lines(below); !slices.Equal(got, []string{"a/deep/f.jpg | a/.vsedignore:3: f.*"}) {
		t.Errorf("scan of a folder: got %q", got)
	}
}

func TestScanInfo(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.jpg")
	file, opened, err := openPhoto(root, "a.jpg")
	must(t, err)
	defer file.Close()
	looked, err := look(root, "a.jpg")
	must(t, err)
	must(t, NewRoot(root, 0).Scan(context.Background(), func(entry Entry) error {
		if entry.Info != opened || entry != looked || entry.Size != 16 || !entry.Regular || entry.Inode == 0 || entry.ModifiedNanos < 1e18 {
			t.Errorf("scan %+v, look %+v, open %+v", entry, looked, opened)
		}
		return nil
	}))
	must(t, os.WriteFile(filepath.Join(root, "a.jpg"), []byte("changed"), 0o644))
	if changed, err := look(root, "a.jpg"); err != nil || changed.Info == opened {
		t.Errorf("a changed file looks as before: %+v, %v", changed, err)
	}
}

func TestScanStrangeNames(t *testing.T) {
	root := t.TempDir()
	names := []string{" .jpg", "a b.jpg", "line\nbreak.jpg", "\xff\xfe.jpg", "日本.jpg", "...jpg/x", "\x01/\xc3(/é.png", strings.Repeat("n", 251) + ".jpg", "-rf.jpg", "*?[.jpg"}
	write(t, root, names...)
	var got []string
	must(t, NewRoot(root, 0).Scan(context.Background(), func(entry Entry) error {
		got = append(got, entry.Path)
		if entry.Regular && entry.Rule == "" {
			file, info, err := openPhoto(root, entry.Path)
			must(t, err)
			must(t, file.Close())
			if info != entry.Info {
				t.Errorf("%q: open gives another file than the scan", entry.Path)
			}
		}
		return nil
	}))
	if len(got) != len(names) || !slices.Contains(got, "line\nbreak.jpg") || !slices.Contains(got, "\x01/\xc3(/é.png") || !slices.Contains(got, "\xff\xfe.jpg") {
		t.Errorf("got %q", got)
	}
}

func TestScanLinksAreNotFollowed(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	write(t, outside, "secret.jpg")
	write(t, root, "a/real.jpg")
	for name, target := range map[string]string{"out": outside, "out.jpg": outside + "/secret.jpg", "a/loop": "..", "self": "self", "dangling.jpg": "nothing", "in.jpg": "a/real.jpg"} {
		must(t, os.Symlink(target, filepath.Join(root, name)))
	}
	expectScan(t, root, "a/loop | symbolic link", "a/real.jpg", "dangling.jpg | symbolic link", "in.jpg | symbolic link",
		"out | symbolic link", "out.jpg | symbolic link", "self | symbolic link")
	link := filepath.Join(t.TempDir(), "root")
	must(t, os.Symlink(root, link))
	if got := scan(t, link); len(got) != 7 {
		t.Errorf("root by a link: got %q", got)
	}
}

func TestScanRootErrors(t *testing.T) {
	root := t.TempDir()
	write(t, root, "file")
	f := func(name string, is error, text string) {
		t.Helper()
		err := NewRoot(name, 0).Scan(context.Background(), func(Entry) error { return nil })
		if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), name) || is != nil && !errors.Is(err, is) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	f(filepath.Join(root, "missing"), fs.ErrNotExist, "no such file")
	f(filepath.Join(root, "file"), nil, "is not a folder")
}

func TestScanEnds(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.jpg", "b.jpg", "c.jpg")
	ctx, cancel := context.WithCancel(context.Background())
	count := 0
	err := NewRoot(root, 0).Scan(ctx, func(Entry) error { count++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || count != 1 {
		t.Errorf("cancelled: %d visited, %v", count, err)
	}
	full := errors.New("full")
	if err := NewRoot(root, 0).Scan(context.Background(), func(Entry) error { return full }); !errors.Is(err, full) {
		t.Errorf("visit's error: got %v", err)
	}
}

func TestScanFolder(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a/b/c.jpg", "a/d.jpg", "e.jpg")
	var got []string
	visit := func(entry Entry) error { got = append(got, entry.Path); return nil }
	must(t, NewRoot(root, 0).ScanFolder(context.Background(), "a/b", visit))
	if !slices.Equal(got, []string{"a/b/c.jpg"}) {
		t.Errorf("got %q", got)
	}
	for _, relative := range []string{"../x", "/etc", "missing"} {
		if err := NewRoot(root, 0).ScanFolder(context.Background(), relative, visit); err == nil {
			t.Errorf("%s: no error", relative)
		}
	}
}

// TestScanUnreadable takes the rights of an unprivileged user on a thread of its
// own, which ends with the goroutine.
func TestScanUnreadable(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a/1.jpg", "locked/2.jpg", "z/3.jpg")
	must(t, os.Chmod(filepath.Dir(root), 0o755))
	must(t, os.Chmod(filepath.Join(root, "locked"), 0))
	must(t, os.Chmod(filepath.Join(root, "z/3.jpg"), 0))
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			if err := unix.Setfsuid(65534); err != nil {
				t.Error(err)
			}
		}
		batches := make(chan []Entry, 1) // the rights are this thread's, so the scan has to be
		scanner := scanner{ctx: t.Context(), pulse: new(pulse), batches: batches}
		if err := errors.Join(scanner.scan(root, "."), scanner.flush()); err != nil {
			t.Error(err)
			return
		}
		if got, want := lines(<-batches), []string{"a/1.jpg", "locked ! permission denied", "z/3.jpg"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if _, _, err := openPhoto(root, "z/3.jpg"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("open: got %v", err)
		}
	}()
	<-done
}

// TestDeepTree goes below what fits in a path that the system takes at once.
func TestDeepTree(t *testing.T) {
	root := t.TempDir()
	folder, err := openRoot(root)
	must(t, err)
	name, relative := strings.Repeat("d", 30), ""
	for depth := 1; depth <= maxDepth+20; depth++ {
		must(t, unix.Mkdirat(folder, name, 0o755))
		next, err := openName(folder, name, unix.O_RDONLY|unix.O_DIRECTORY)
		must(t, err)
		must(t, unix.Close(folder))
		folder, relative = next, path.Join(relative, name)
		if depth == maxDepth {
			fd, err := unix.Openat(folder, "deep.jpg", unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
			must(t, err)
			must(t, unix.Close(fd))
		}
	}
	must(t, unix.Close(folder))
	var got []Entry
	must(t, NewRoot(root, 0).Scan(context.Background(), func(entry Entry) error { got = append(got, entry); return nil }))
	if len(got) != 2 || !errors.Is(got[0].Problem, errTooDeep) || path.Base(got[1].Path) != "deep.jpg" {
		t.Fatalf("got %d entries: %.200v", len(got), got)
	}
	file, info, err := openPhoto(root, got[1].Path)
	must(t, err)
	defer file.Close()
	if info != got[1].Info || len(got[1].Path) < unix.PathMax {
		t.Errorf("open: %+v, scan: %+v, path of %d bytes", info, got[1].Info, len(got[1].Path))
	}
}

// TestSwappedFolder swaps a folder for a link to one outside, all the time.
func TestSwappedFolder(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	write(t, outside, "x.jpg")
	write(t, root, "a/x.jpg")
	must(t, os.Symlink(outside, filepath.Join(root, "link")))
	foreign, err := look(outside, "x.jpg")
	must(t, err)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if err := unix.Renameat2(unix.AT_FDCWD, root+"/a", unix.AT_FDCWD, root+"/link", unix.RENAME_EXCHANGE); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	opened := 0
	for range 3000 {
		must(t, NewRoot(root, 0).Scan(context.Background(), func(entry Entry) error {
			if entry.Inode == foreign.Inode && entry.Device == foreign.Device {
				return fmt.Errorf("the scan left its root at %s", entry.Path)
			}
			return nil
		}))
		for _, open := range []func(int, string, int) (int, error){openBeneath, openByName} {
			opened += openSwapped(t, root, foreign, open)
		}
	}
	close(stop)
	<-stopped
	if opened == 0 {
		t.Error("the photo was never opened: the test shows nothing")
	}
}

func openSwapped(t *testing.T, root string, foreign Entry, open func(int, string, int) (int, error)) int {
	t.Helper()
	folder, err := openRoot(root)
	must(t, err)
	defer unix.Close(folder)
	fd, err := open(folder, "a/x.jpg", unix.O_RDONLY)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	must(t, unix.Fstat(fd, &stat))
	if stat.Ino == foreign.Inode {
		t.Fatal("a photo outside the root was opened")
	}
	return 1
}

func BenchmarkScan(b *testing.B) {
	root := b.TempDir()
	for folder := range 50 {
		var names []string
		for file := range 400 {
			names = append(names, fmt.Sprintf("%02d/IMG_%04d.jpg", folder, file))
		}
		write(b, root, names...)
	}
	for b.Loop() {
		count := 0
		must(b, NewRoot(root, 0).Scan(context.Background(), func(Entry) error { count++; return nil }))
		if count != 20000 {
			b.Fatalf("got %d files", count)
		}
	}
}
