package watch

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenPhotoRefuses(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	write(t, outside, "secret.jpg")
	write(t, root, "a/b.jpg", "plain")
	must(t, unix.Mkfifo(filepath.Join(root, "pipe.jpg"), 0o600))
	must(t, os.Symlink(outside, filepath.Join(root, "out")))
	must(t, os.Symlink("a/b.jpg", filepath.Join(root, "in.jpg")))
	must(t, os.Symlink("a", filepath.Join(root, "c")))
	f := func(relative, want string) {
		t.Helper()
		for _, open := range []func(int, string, int) (int, error){openBeneath, openByName} {
			if fd := tryOpen(t, root, relative, open); fd && want != "is not a regular file" {
				t.Errorf("%q was opened", relative)
			}
		}
		file, _, err := openPhoto(root, relative)
		if err == nil {
			file.Close()
			t.Errorf("%q was opened", relative)
		} else if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "photo /") {
			t.Errorf("%q: got %v, want %q", relative, err, want)
		}
	}
	f("missing.jpg", "no such file")
	f("out/secret.jpg", "symbolic link is in the way")
	f("in.jpg", "symbolic link is in the way")
	f("c/b.jpg", "symbolic link is in the way")
	f("a", "is not a regular file")
	f(".", "is not a regular file")
	f("pipe.jpg", "is not a regular file")
	f("plain/b.jpg", "not a directory")
	f("../"+filepath.Base(outside)+"/secret.jpg", "is not a path within its folder")
	f("a/../../x", "is not a path within its folder")
	f("/etc/passwd", "is not a path within its folder")
	f("", "is not a path within its folder")
	f("a\x00.jpg", "invalid argument")
}

func tryOpen(t *testing.T, root, relative string, open func(int, string, int) (int, error)) bool {
	t.Helper()
	if !filepath.IsLocal(relative) {
		return false
	}
	folder, err := openRoot(root)
	must(t, err)
	defer unix.Close(folder)
	fd, err := open(folder, relative, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return false
	}
	must(t, unix.Close(fd))
	return true
}

func TestOpenPhotoReadsAndCannotWrite(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a/b.jpg")
	file, _, err := openPhoto(root, "a/b.jpg")
	must(t, err)
	defer file.Close()
	if data, err := io.ReadAll(file); err != nil || string(data) != "content of a/b.jpg" {
		t.Errorf("got %q, %v", data, err)
	}
	if _, err := file.Write([]byte("x")); err == nil {
		t.Error("a photo was opened for writing")
	}
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	must(t, err)
	if flags&(unix.O_NONBLOCK|unix.O_ACCMODE) != unix.O_RDONLY {
		t.Errorf("flags are %#x", flags)
	}
}

func TestLook(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a/b.jpg", ".hidden/c.jpg", "a/@eaDir/d.jpg", "e.txt")
	must(t, os.Symlink("a", filepath.Join(root, "link")))
	f := func(relative, want string) {
		t.Helper()
		entry, err := look(root, relative)
		switch {
		case isGone(err):
			entry.Rule = "gone"
		case err != nil:
			entry.Rule = err.Error()
		case entry.Folder:
			entry.Rule += "folder"
		}
		if !strings.HasPrefix(entry.Rule, want) || want == "" && entry.Rule != "" {
			t.Errorf("%s: got %q, want %q", relative, entry.Rule, want)
		}
	}
	f("a/b.jpg", "")
	f("a", "folder")
	f(".", "folder")
	f("e.txt", "not a photo: .txt")
	f(".hidden/c.jpg", "hidden")
	f("a/@eaDir/d.jpg", "thumbnails")
	f("link", "symbolic link")
	f("link/b.jpg", "gone")
	f("a/x.jpg", "gone")
	f("x/y.jpg", "gone")
	f("e.txt/y.jpg", "gone")
}
