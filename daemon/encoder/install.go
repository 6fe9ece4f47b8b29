package encoder

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vsed/plugins/selftest"
)

const (
	// sumsName is the first file of an upload: the SHA-256 of each other one, as
	// sha256sum writes them.
	sumsName = "SHA256SUMS"
	// manifestName is there once a bundle is complete.
	manifestName  = "manifest.json"
	mostFiles     = 256
	longestSums   = 64 << 10
	adoptTimeout  = 10 * time.Minute
	longestReason = 500
)

// A BadUploadError refuses an upload for what it is.
type BadUploadError struct{ Reason string }

func (e *BadUploadError) Error() string { return "the upload is refused: " + e.Reason }

func bad(format string, values ...any) error {
	return &BadUploadError{Reason: fmt.Sprintf(format, values...)}
}

// Install takes an encoder from a tar archive: SHA256SUMS first, then each file
// that it names, as a bundle with its manifest or in the layout of a hub. It is
// installed only after it passed the self-test.
func (m *Manager) Install(ctx context.Context, name string, upload io.Reader) (report selftest.Report, err error) {
	if err := m.mayInstall(name); err != nil {
		return report, err
	}
	partial, err := m.Shelf.makePartial(name)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(partial)) }()
	if err := unpack(ctx, partial, upload); err != nil {
		return report, err
	}
	if _, err := os.Lstat(filepath.Join(partial, manifestName)); errors.Is(err, fs.ErrNotExist) {
		if err := m.Shelf.adopt(ctx, name, partial); err != nil {
			return report, err
		}
	}
	return m.installTested(ctx, name, partial)
}

// installTested puts a bundle in its place that passes the self-test.
func (m *Manager) installTested(ctx context.Context, name, partial string) (report selftest.Report, err error) {
	m.thin(ctx)
	started, report, err := m.test(ctx, m.Shelf.installed(name, partial))
	if err := errors.Join(err, started.Close()); err != nil {
		return report, err
	}
	if err := m.putInPlace(name, partial); err != nil {
		return report, err
	}
	m.Log.Info("an encoder was installed", "name", name, "space", report.Space)
	return report, nil
}

// putInPlace looks again whether it may: the encoder may have been chosen while
// the upload was under way.
func (m *Manager) putInPlace(name, partial string) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	if err := m.mayInstall(name); err != nil {
		return err
	}
	return m.Shelf.putInPlace(name, partial)
}

// mayInstall refuses names that are no names, and those whose vectors another
// encoder of that name made.
func (m *Manager) mayInstall(name string) error {
	if !encoderName.MatchString(name) {
		return bad("%q is no name for an encoder: use small letters, digits, '-', '_' and '.'", name)
	}
	if name == Default {
		return bad("%q comes with vsed: choose another name", name)
	}
	s := m.copyState()
	if s.uses(name) {
		return bad("the encoder %q serves, is kept or comes in: choose another name, or remove it before", name)
	}
	return nil
}

// makePartial makes an empty folder beside the installed bundles, whose name no
// encoder can have.
func (s *Shelf) makePartial(name string) (string, error) {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the encoders: %w", err)
	}
	folder, err := os.MkdirTemp(s.Folder, ".partial-"+name+"-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the encoder %s: %w", name, err)
	}
	return folder, nil
}

// clearPartial deletes what a killed daemon left of uploads.
func (s *Shelf) clearPartial() error {
	left, err := filepath.Glob(filepath.Join(s.Folder, ".partial-*"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return err
}

// putInPlace renames a complete bundle, of which all is on the disk before its
// name is. What was prepared for another bundle of the name is of no use.
func (s *Shelf) putInPlace(name, partial string) error {
	if err := syncFilesystem(s.Folder); err != nil {
		return err
	}
	place := filepath.Join(s.Folder, name)
	if err := errors.Join(os.RemoveAll(place), os.RemoveAll(s.cache(name))); err != nil {
		return fmt.Errorf("replace the encoder %s: %w", name, err)
	}
	if err := os.Rename(partial, place); err != nil {
		return fmt.Errorf("put the encoder %s in its place: %w", name, err)
	}
	return nil
}

func syncFilesystem(of string) error {
	folder, err := os.Open(of)
	if err != nil {
		return fmt.Errorf("write an encoder to the disk: %w", err)
	}
	defer folder.Close()
	if err := unix.Syncfs(int(folder.Fd())); err != nil {
		return fmt.Errorf("write an encoder to the disk: %w", err)
	}
	return nil
}

// unpack writes the files of an upload into an empty folder.
func unpack(ctx context.Context, folder string, upload io.Reader) error {
	archive := tar.NewReader(upload)
	header, err := archive.Next()
	if err != nil || header.Name != sumsName || header.Size > longestSums {
		return bad("a tar archive that begins with %s is expected (%v)", sumsName, err)
	}
	sums, err := readSums(archive)
	if err != nil {
		return err
	}
	for len(sums) > 0 {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return bad("%d of the files in %s are missing", len(sums), sumsName)
		}
		if err != nil {
			return bad("the archive breaks off: %v", err)
		}
		sum, ok := sums[header.Name]
		if !ok || header.Typeflag != tar.TypeReg {
			return bad("%q is no file that %s names", header.Name, sumsName)
		}
		delete(sums, header.Name)
		if err := unpackFile(ctx, folder, header, archive, sum); err != nil {
			return err
		}
	}
	return nil
}

// readSums reads "HEX  PATH" lines. Paths stay inside the folder.
func readSums(from io.Reader) (map[string]string, error) {
	sums := make(map[string]string)
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		sum, path, ok := strings.Cut(lines.Text(), "  ")
		if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size {
			return nil, bad("%s has the line %.100q: \"SHA-256  PATH\" is expected", sumsName, lines.Text())
		}
		if !filepath.IsLocal(path) || path != filepath.Clean(path) || strings.ContainsAny(path, "\\\x00") || path == sumsName {
			return nil, bad("%s names %.100q, which is no path inside a bundle", sumsName, path)
		}
		sums[path] = strings.ToLower(sum)
	}
	if len(sums) == 0 || len(sums) > mostFiles || lines.Err() != nil {
		return nil, bad("%s names %d files, 1 to %d are allowed (%v)", sumsName, len(sums), mostFiles, lines.Err())
	}
	return sums, nil
}

func unpackFile(ctx context.Context, folder string, header *tar.Header, content io.Reader, sum string) (err error) {
	if err := roomFor(folder, header.Size); err != nil {
		return err
	}
	path := filepath.Join(folder, header.Name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("unpack an encoder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("unpack an encoder: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, hash), &contextReader{ctx, content}); err != nil {
		return fmt.Errorf("unpack %s: %w", header.Name, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum {
		return bad("%s has the SHA-256 %s, %s is expected: download it again", header.Name, got, sum)
	}
	return nil
}

func roomFor(folder string, size int64) error {
	free, err := freeBytes(folder)
	if err == nil && size+spareBytes > free {
		err = bad("%d MB are needed in %s and %d MB are free: make room there", (size+spareBytes)/megabyte, folder, free/megabyte)
	}
	return err
}

// A contextReader fails after the end of its context.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r *contextReader) Read(into []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(into)
}

// adopt has the plugin write the manifest of a bundle that came in a hub's
// layout, in a process of its own: it reads graphs of unknown origin.
func (s *Shelf) adopt(ctx context.Context, name, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, adoptTimeout)
	defer cancel()
	start := s.Command(folder, s.cache(name))
	arguments := append([]string{"--adopt", folder}, about(name, folder)...)
	for i, argument := range start.Args {
		if argument == "--library" {
			arguments = append(arguments, start.Args[i:i+2]...)
		}
	}
	command := exec.CommandContext(ctx, start.Path, arguments...)
	command.Env = append([]string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}, start.Env...)
	var said bytes.Buffer
	command.Stderr = &said
	err := command.Run()
	if ctx.Err() != nil {
		return fmt.Errorf("read the encoder %s: %w", name, ctx.Err())
	}
	if err != nil {
		return bad("%s", lastLine(said.String(), err))
	}
	return nil
}

func lastLine(said string, err error) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	line := lines[len(lines)-1]
	if line == "" {
		return err.Error()
	}
	return fmt.Sprintf("%.*s", longestReason, line)
}
