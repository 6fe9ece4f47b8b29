package sidecar

import (
	"bytes"
	"crypto/sha256"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
	"vsed/daemon/watch"
)

// A world is a catalogue over one folder, and its writer.
type world struct {
	*testing.T
	folder    string
	id        int64
	root      *watch.Root
	catalogue *catalogue.Catalogue
	writer    *Writer
	log       *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, folder: filepath.Join(t.TempDir(), "photos")}
	w.check(os.Mkdir(w.folder, 0o755))
	c, err := catalogue.Open(t.Context(), t.TempDir())
	w.check(err)
	t.Cleanup(func() { w.check(c.Close()) })
	folder, err := c.AddFolder(t.Context(), w.folder)
	w.check(err)
	w.catalogue, w.id, w.root = c, folder.ID, watch.NewRoot(w.folder, time.Minute)
	w.restart()
	return w
}

func (w *world) Root(int64, string) *watch.Root { return w.root }

// restart forgets what is only in memory.
func (w *world) restart() {
	w.log = &bytes.Buffer{}
	w.writer = NewWriter(w.catalogue, w, slog.New(slog.NewTextHandler(w.log, nil)))
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) file(name, text string, mode os.FileMode) {
	w.Helper()
	path := filepath.Join(w.folder, name)
	w.check(os.MkdirAll(filepath.Dir(path), 0o755))
	w.check(os.WriteFile(path, []byte(text), mode))
	w.check(os.Chmod(path, mode))
}

// photo makes a file and has the catalogue know it.
func (w *world) photo(name string) (id int64) {
	w.Helper()
	w.file(name, "the photo "+name, 0o440)
	entry, err := w.root.Look(w.Context(), name)
	w.check(err)
	stat := folders.Stat(entry.Info)
	w.check(w.catalogue.Observe(w.Context(), w.id, []catalogue.Observation{{Path: name, Stat: stat}}))
	waiting, err := w.catalogue.Undecoded(w.Context(), nil, 1)
	w.check(err)
	id, _, err = w.catalogue.Identify(w.Context(), waiting[0].ID, stat, catalogue.Content{Digest: sha256.Sum256([]byte(name)), Format: "jpeg"})
	w.check(err)
	return id
}

func (w *world) add(photo int64, tags ...string) {
	w.Helper()
	w.check(w.catalogue.AddTags(w.Context(), photo, tags))
	w.check(w.writer.catchUp(w.Context()))
}

func (w *world) remove(photo int64, tags ...string) {
	w.Helper()
	w.check(w.catalogue.RemoveTags(w.Context(), photo, tags))
	w.check(w.writer.catchUp(w.Context()))
}

func (w *world) text(name string) []byte {
	w.Helper()
	text, err := os.ReadFile(filepath.Join(w.folder, name))
	w.check(err)
	return text
}

func (w *world) stat(name string) (stat unix.Stat_t) {
	w.Helper()
	w.check(unix.Lstat(filepath.Join(w.folder, name), &stat))
	return stat
}

// holds checks the keywords of a sidecar, and that no other file is left.
func (w *world) holds(name string, want ...string) {
	w.Helper()
	if got := items(w.T, w.text(name), subject); !slices.Equal(got, want) {
		w.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func (w *world) names() (names []string) {
	w.Helper()
	entries, err := os.ReadDir(w.folder)
	w.check(err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestTheUsersTagsAreWrittenBesideThePhoto(t *testing.T) {
	w := newWorld(t)
	photo := w.photo("a.jpg")
	before, text := w.stat("a.jpg"), w.text("a.jpg")
	w.add(photo, "dog", "animal/dog")
	w.holds("a.jpg.xmp", "animal/dog", "dog")
	if mode := w.stat("a.jpg.xmp").Mode & 0o7777; mode != 0o440 {
		t.Errorf("mode %o", mode)
	}
	w.remove(photo, "dog")
	w.holds("a.jpg.xmp", "animal/dog")
	w.add(photo, "dog")
	w.holds("a.jpg.xmp", "animal/dog", "dog")
	if after := w.stat("a.jpg"); !sameStat(&after, &before) || !bytes.Equal(w.text("a.jpg"), text) {
		t.Errorf("the photo was touched: %+v, before %+v", after, before)
	}
	if names := w.names(); !slices.Equal(names, []string{"a.jpg", "a.jpg.xmp"}) {
		t.Errorf("files %q", names)
	}
}

func TestNothingIsWrittenTwice(t *testing.T) {
	w := newWorld(t)
	photo := w.photo("a.jpg")
	w.add(photo, "dog")
	before := w.stat("a.jpg.xmp")
	same := func(when string) {
		t.Helper()
		if after := w.stat("a.jpg.xmp"); !sameStat(&after, &before) {
			t.Errorf("%s: written again", when)
		}
	}
	// Our own sidecar comes back by way of the watcher.
	entry, err := w.root.Look(t.Context(), "a.jpg.xmp")
	w.check(err)
	w.check(w.catalogue.Observe(t.Context(), w.id, []catalogue.Observation{{Path: "a.jpg.xmp", Stat: folders.Stat(entry.Info), Sidecar: true}}))
	unread, err := w.catalogue.UnreadSidecars(t.Context(), nil, 10)
	w.check(err)
	w.check(w.catalogue.SidecarRead(t.Context(), unread[0], catalogue.SidecarWords{Keywords: []string{"dog"}}))
	w.check(w.writer.catchUp(t.Context()))
	same("read back")
	w.restart()
	w.check(w.writer.catchUp(t.Context()))
	if w.writer.after != w.writer.saved && w.writer.wrote {
		t.Errorf("after a restart: at %d, saved %d", w.writer.after, w.writer.saved)
	}
	w.writer.all = true
	w.check(w.writer.catchUp(t.Context()))
	same("restarted")
}

// The user takes a tag off before the sidecar that holds it has been read.
func TestATagTakenOffStaysOff(t *testing.T) {
	w := newWorld(t)
	photo := w.photo("a.jpg")
	w.add(photo, "dog", "cat")
	w.check(w.catalogue.RemoveTags(t.Context(), photo, []string{"dog"}))
	w.restart()
	w.check(w.writer.catchUp(t.Context()))
	w.holds("a.jpg.xmp", "cat")
}

func TestAnExistingSidecarIsMerged(t *testing.T) {
	w := newWorld(t)
	photo := w.photo("a.jpg")
	w.file("a.xmp", foreign, 0o604)
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1234, 4321
		w.check(os.Chown(filepath.Join(w.folder, "a.xmp"), uid, gid))
	}
	w.add(photo, "dog")
	w.holds("a.xmp", "cat", "a < b", "dog")
	stat := w.stat("a.xmp")
	if stat.Mode&0o7777 != 0o604 || int(stat.Uid) != uid || int(stat.Gid) != gid {
		t.Errorf("mode %o, owner %d, group %d", stat.Mode&0o7777, stat.Uid, stat.Gid)
	}
	w.remove(photo, "dog")
	if text := string(w.text("a.xmp")); text != foreign {
		t.Errorf("got %s", text)
	}
	w.file("a.jpg.xmp", blank, 0o600)
	w.add(photo, "dog")
	w.holds("a.jpg.xmp", "dog")
}

// a.xmp gives its tags to a.jpg and a.cr2: were it written for one, the other
// would have them, too.
func TestASharedSidecarIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	jpg, raw := w.photo("a.jpg"), w.photo("a.cr2")
	w.photo("a-b.jpg")
	w.photo("a.b.jpg")
	w.file("a.xmp", foreign, 0o600)
	w.add(jpg, "dog")
	w.add(raw, "bird")
	w.remove(raw, "dog", "cat")
	w.holds("a.jpg.xmp", "dog")
	w.holds("a.cr2.xmp", "bird")
	if string(w.text("a.xmp")) != foreign {
		t.Error("a.xmp was changed")
	}
}

func TestWhatIsNotToBeWrittenIsLeftAndTold(t *testing.T) {
	w := newWorld(t)
	f := func(name, reason string, make func(sidecar string)) {
		t.Helper()
		w.restart()
		photo := w.photo(name + ".jpg")
		make(filepath.Join(w.folder, name+".jpg.xmp"))
		before := w.stat(name + ".jpg.xmp")
		w.add(photo, "dog")
		if after := w.stat(name + ".jpg.xmp"); !sameStat(&after, &before) {
			t.Errorf("%s was written", name)
		}
		if log := w.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, reason) || strings.Contains(log, name+".jpg") {
			t.Errorf("%s: %s", name, log)
		}
	}
	f("damaged", "is damaged", func(sidecar string) { w.check(os.WriteFile(sidecar, []byte(foreign[:300]), 0o600)) })
	f("empty", "no rdf:Description", func(sidecar string) { w.check(os.WriteFile(sidecar, nil, 0o600)) })
	f("linked", "symbolic link", func(sidecar string) {
		w.file("target.txt", foreign, 0o600)
		w.check(os.Symlink("target.txt", sidecar))
	})
	f("dangling", "symbolic link", func(sidecar string) { w.check(os.Symlink("nowhere.txt", sidecar)) })
	f("pipe", "not a regular file", func(sidecar string) { w.check(unix.Mkfifo(sidecar, 0o600)) })
	if string(w.text("target.txt")) != foreign {
		t.Error("the link was followed")
	}
	if len(w.writer.troubles) > 0 {
		t.Errorf("tried again: %v", w.writer.troubles)
	}
}

func TestAFolderThatVanishedHoldsUpNothingAndLosesNothing(t *testing.T) {
	w := newWorld(t)
	away, also, here := w.photo("away/a.jpg"), w.photo("away/b.jpg"), w.photo("a.jpg")
	aside := filepath.Join(filepath.Dir(w.folder), "aside")
	w.check(os.Rename(filepath.Join(w.folder, "away"), aside))
	w.add(away, "dog")
	w.add(also, "cat")
	w.add(here, "bird")
	w.holds("a.jpg.xmp", "bird")
	if log := w.log.String(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "the folder is not there") || strings.Contains(log, "away") {
		t.Errorf("log %s", log)
	}
	w.check(os.Rename(aside, filepath.Join(w.folder, "away")))
	before := w.writer.saved
	again := w.writer
	again.troubles[place{w.id, "away"}].next = time.Now()
	w.check(again.catchUp(t.Context()))
	w.holds("away/a.jpg.xmp", "dog")
	w.holds("away/b.jpg.xmp", "cat")
	if len(again.troubles) > 0 || again.saved <= before || !strings.Contains(w.log.String(), "are written") {
		t.Errorf("troubles %v, saved %d, before %d; %s", again.troubles, again.saved, before, w.log)
	}
}

func TestWhatWaitsSurvivesARestart(t *testing.T) {
	w := newWorld(t)
	away, here := w.photo("away/a.jpg"), w.photo("a.jpg")
	aside := filepath.Join(filepath.Dir(w.folder), "aside")
	w.check(os.Rename(filepath.Join(w.folder, "away"), aside))
	w.add(away, "dog")
	w.add(here, "bird")
	w.check(os.Rename(aside, filepath.Join(w.folder, "away")))
	w.restart()
	w.check(w.writer.catchUp(t.Context()))
	w.holds("away/a.jpg.xmp", "dog")
}

func TestAFolderThatIsBackIsLookedThrough(t *testing.T) {
	w := newWorld(t)
	photo := w.photo("a.jpg")
	w.check(w.catalogue.SetFolderState(t.Context(), w.id, true, "is not mounted"))
	w.add(photo, "dog")
	if names := w.names(); len(names) != 1 {
		t.Errorf("written while offline: %q", names)
	}
	w.check(w.catalogue.SetFolderState(t.Context(), w.id, false, ""))
	w.check(w.writer.catchUp(t.Context()))
	w.holds("a.jpg.xmp", "dog")
}

func TestASidecarThatChangedMeanwhileIsNotReplaced(t *testing.T) {
	w := newWorld(t)
	w.file("a.xmp", foreign, 0o600)
	w.check(w.root.InFolder(t.Context(), ".", func(folder int) error {
		old, err := read(folder, "a.xmp")
		w.check(err)
		w.file("a.xmp", blank, 0o600)
		for name, was := range map[string]*unix.Stat_t{"other program's": &old.stat, "new": nil} {
			if err := replace(folder, "a.xmp", []byte("ours"), old.like, was); err != errChanged {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := replace(folder, "a.jpg", nil, old.like, nil); err == nil {
			t.Error("a name that is no sidecar's was written")
		}
		return nil
	}))
	if names := w.names(); string(w.text("a.xmp")) != blank || len(names) != 1 {
		t.Errorf("files %q", names)
	}
}

func TestReasonsNameTheRemedy(t *testing.T) {
	for err, want := range map[error]string{
		unix.EROFS:            "let vsed write to the folder",
		unix.EACCES:           "let vsed write to the folder",
		unix.ENOSPC:           "make room",
		watch.ErrNotAnswering: "does not answer",
	} {
		if got := explain(&os.PathError{Op: "open", Path: "/secret", Err: err}); !strings.Contains(got, want) || strings.Contains(got, "secret") {
			t.Errorf("%v: %s", err, got)
		}
	}
}

// Photos are never opened for writing: one function of this package opens
// anything so, and that makes a new file with a fixed name.
func TestOneFunctionOpensForWriting(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	writing := []string{"O_WRONLY", "O_RDWR", "O_CREAT", "O_CREATE", "O_TRUNC", "O_APPEND", "O_TMPFILE",
		"Create", "CreateTemp", "WriteFile", "OpenFile", "OpenRoot", "Creat", "Truncate", "Ftruncate", "Openat2", "Mknod", "CopyFS"}
	var found []string
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			ast.Inspect(declared, func(node ast.Node) bool {
				selected, ok := node.(*ast.SelectorExpr)
				if !ok || !slices.Contains(writing, selected.Sel.Name) {
					return true
				}
				name := "(no function)"
				if function, ok := declared.(*ast.FuncDecl); ok {
					name = function.Name.Name
				}
				found = append(found, name)
				return true
			})
		}
	}
	slices.Sort(found)
	if functions := slices.Compact(found); !slices.Equal(functions, []string{"createTemporary"}) {
		t.Errorf("files are opened for writing in %q", functions)
	}
}
