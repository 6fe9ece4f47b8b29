package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// spareBytes stay free besides a download.
const spareBytes = 64 << 20

// Download gets a model's files into a folder, which it makes. What is there from
// an earlier try is not asked for again. progress is told of the bytes that are
// there, from its goroutine.
func (h *Hub) Download(ctx context.Context, model Model, folder string, progress func(done int64)) error {
	unlock, err := lock(folder)
	if err != nil {
		return err
	}
	defer unlock()
	if err := room(model, folder); err != nil {
		return err
	}
	var before int64
	for _, file := range model.Files {
		moved := func(done int64) { progress(before + done) }
		if err := h.file(ctx, model, file, folder, moved); err != nil {
			return err
		}
		before += file.Size
		progress(before)
	}
	return nil
}

// lock makes the folder, and keeps a second download out of it.
func lock(folder string) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for the download: %w", err)
	}
	file, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("open the folder for the download: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("another vsectl downloads into %s: wait for its end", folder)
	}
	return func() { file.Close() }, nil
}

// room fails with a *RoomError where what is still to come does not fit.
func room(model Model, folder string) error {
	needed := model.Bytes() + spareBytes
	for _, file := range model.Files {
		for _, name := range []string{file.Path, file.Path + partial} {
			if info, err := os.Lstat(filepath.Join(folder, filepath.FromSlash(name))); err == nil {
				needed -= min(info.Size(), file.Size)
			}
		}
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return fmt.Errorf("ask for the room in %s: %w", folder, err)
	}
	if free := int64(disk.Bavail) * disk.Bsize; needed > free {
		return &RoomError{folder, needed, free}
	}
	return nil
}

// partial ends the name of a file that is not whole.
const partial = ".partial"

// file gets one file. A content with the wrong digest is asked for once more from
// its beginning, as it may come from an earlier, broken try.
func (h *Hub) file(ctx context.Context, model Model, file File, folder string, moved func(int64)) error {
	path := filepath.Join(folder, filepath.FromSlash(file.Path))
	if file.verify(path) == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder for the download: %w", err)
	}
	address := strings.TrimRight(h.Address, "/") + "/" + model.String() + "/resolve/" + model.Commit + "/" + escapePath(file.Path)
	for again := false; ; again = true {
		err := h.retry(ctx, func() (bool, error) { return h.fill(ctx, address, file, path+partial, moved) })
		if err != nil {
			return err
		}
		if err = file.verify(path + partial); err == nil {
			return os.Rename(path+partial, path)
		}
		if remove := os.Remove(path + partial); remove != nil || again {
			return errors.Join(err, remove)
		}
		h.note(file.Path + " has the wrong digest; again from its beginning")
	}
}

func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// fill brings a partial file on, to its full size where nothing breaks off.
func (h *Hub) fill(ctx context.Context, address string, file File, path string, moved func(int64)) (further bool, err error) {
	into, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return false, fmt.Errorf("keep the download: %w", err)
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	have, err := into.Seek(0, io.SeekEnd)
	if err != nil {
		return false, fmt.Errorf("keep the download: %w", err)
	}
	if have == file.Size {
		return false, nil
	}
	if have > file.Size {
		have = 0
	}
	got, err := h.copy(ctx, address, file, into, have, moved)
	return got > 0, err
}

// copy asks for a file from an offset on, and writes it at that offset.
func (h *Hub) copy(ctx context.Context, address string, file File, into *os.File, from int64, moved func(int64)) (int64, error) {
	asking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	response, err := h.get(asking, address, file.Path, from)
	if errors.Is(err, errRange) {
		return 0, errors.Join(err, into.Truncate(0))
	}
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if isPage(response) {
		return 0, &PageError{file.Path, "a web page"}
	}
	if response.StatusCode != http.StatusPartialContent || !strings.HasPrefix(response.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from)) {
		if response.StatusCode == http.StatusPartialContent {
			return 0, &PageError{file.Path, "another part than was asked for"}
		}
		from = 0
	}
	if length := response.ContentLength; length >= 0 && from+length != file.Size {
		return 0, &SizeError{fmt.Sprintf("%s has %d bytes, the hub lists %d: the model is refused", file.Path, from+length, file.Size)}
	}
	if err := errors.Join(into.Truncate(from), seek(into, from)); err != nil {
		return 0, fmt.Errorf("keep the download: %w", err)
	}
	body := &flow{from: io.LimitReader(response.Body, file.Size-from+1), done: from, moved: moved, limit: h.stall(), cancel: cancel}
	got, err := body.copyTo(into)
	switch {
	case ctx.Err() != nil:
		return got, ctx.Err()
	case errors.As(err, new(*fs.PathError)):
		return got, fmt.Errorf("keep the download: %w", err)
	case from+got > file.Size:
		return got, errors.Join(&SizeError{fmt.Sprintf("%s is longer than the %d bytes that the hub lists: the model is refused", file.Path, file.Size)}, into.Truncate(0))
	case from+got < file.Size:
		if stalled := context.Cause(asking); stalled != nil {
			err = stalled
		}
		return got, &TruncatedError{file.Path, from + got, file.Size, err}
	}
	return got, into.Sync()
}

func seek(file *os.File, offset int64) error {
	_, err := file.Seek(offset, io.SeekStart)
	return err
}

// A flow copies a body, tells how far it is, and gives up when it stands still.
type flow struct {
	from   io.Reader
	done   int64
	moved  func(int64)
	limit  time.Duration
	cancel context.CancelCauseFunc
}

func (f *flow) copyTo(into io.Writer) (int64, error) {
	timer := time.AfterFunc(f.limit, func() { f.cancel(fmt.Errorf("nothing came for %v", f.limit)) })
	defer timer.Stop()
	return io.Copy(into, readerFunc(func(buffer []byte) (int, error) {
		n, err := f.from.Read(buffer)
		timer.Reset(f.limit)
		f.done += int64(n)
		f.moved(f.done)
		return n, err
	}))
}

type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(buffer []byte) (int, error) { return r(buffer) }

// verify compares a file on the disk with its size and digest.
func (f File) verify(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.Size {
		return &TruncatedError{What: f.Path, Got: info.Size(), Size: f.Size}
	}
	var sum hash.Hash = sha256.New()
	want := f.SHA256
	if want == "" {
		sum, want = sha1.New(), f.Blob
		fmt.Fprintf(sum, "blob %d\x00", f.Size)
	}
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return &DigestError{f.Path, got, want}
	}
	return nil
}
