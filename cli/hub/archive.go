package hub

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sumsName is the first file of an archive, as the daemon expects it.
const sumsName = "SHA256SUMS"

// originName is that of the file which tells the daemon where a model is from.
const originName = "origin.json"

// An Origin is what a model's own files do not say of it, for people.
type Origin struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Licence string `json:"licence,omitempty"`
	Source  string `json:"source,omitempty"`
	// Language is that of searches, for a model that is told it with each.
	Language string `json:"language,omitempty"`
}

// A Package is a folder with an encoder, ready to be sent.
type Package struct {
	folder string
	paths  []string
	sums   string
	origin []byte // nil: a bundle, which says it itself
	Bytes  int64  // of its files
}

// Pack looks through a folder that holds an encoder in the layout of a hub, or a
// bundle with its manifest, and takes the digest of each file. Links are followed,
// as they are the user's own.
func Pack(ctx context.Context, folder string, origin Origin) (*Package, error) {
	p := &Package{folder: folder}
	var all []string
	if err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err == nil && relative != "." && !entry.IsDir() {
			all = append(all, filepath.ToSlash(relative))
		}
		return err
	}); err != nil {
		return nil, fmt.Errorf("look through the encoder's folder: %w", err)
	}
	if p.paths = all; !slices.Contains(all, manifestName) {
		p.paths = slices.DeleteFunc(all, func(path string) bool { return !needed(path) })
		if err := complete(folder, p.paths); err != nil {
			return nil, err
		}
		if err := p.addOrigin(origin); err != nil {
			return nil, err
		}
	}
	if len(p.paths) > mostFiles {
		return nil, &SizeError{fmt.Sprintf("%s has %d files, an encoder has at most %d", folder, len(p.paths), mostFiles)}
	}
	return p, p.sum(ctx)
}

func (p *Package) addOrigin(origin Origin) (err error) {
	p.origin, err = json.Marshal(origin)
	p.sums = fmt.Sprintf("%x  %s\n", sha256.Sum256(p.origin), originName)
	return err
}

func (p *Package) sum(ctx context.Context) error {
	var sums strings.Builder
	sums.WriteString(p.sums)
	for _, path := range p.paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !inside(path) {
			return &PathError{path}
		}
		hash := sha256.New()
		size, err := p.copyFile(hash, path)
		if err != nil {
			return err
		}
		p.Bytes += size
		fmt.Fprintf(&sums, "%x  %s\n", hash.Sum(nil), path)
	}
	p.sums = sums.String()
	return nil
}

func (p *Package) copyFile(into io.Writer, path string) (int64, error) {
	file, err := os.Open(filepath.Join(p.folder, filepath.FromSlash(path)))
	if err != nil {
		return 0, fmt.Errorf("read the encoder: %w", err)
	}
	defer file.Close()
	size, err := io.Copy(into, file)
	if err != nil {
		return size, fmt.Errorf("read the encoder: %w", err)
	}
	return size, nil
}

// Archive gives the tar archive that the daemon takes. progress is told of the
// bytes of it that were read. The caller closes it, also before its end.
func (p *Package) Archive(progress func(done int64)) io.ReadCloser {
	read, write := io.Pipe()
	go func() { write.CloseWithError(p.write(write)) }()
	var done int64
	return struct {
		io.Reader
		io.Closer
	}{readerFunc(func(buffer []byte) (int, error) {
		n, err := read.Read(buffer)
		done += int64(n)
		progress(done)
		return n, err
	}), read}
}

func (p *Package) write(into io.Writer) error {
	archive := tar.NewWriter(into)
	if err := writeText(archive, sumsName, []byte(p.sums)); err != nil {
		return err
	}
	if p.origin != nil {
		if err := writeText(archive, originName, p.origin); err != nil {
			return err
		}
	}
	for _, path := range p.paths {
		info, err := os.Stat(filepath.Join(p.folder, filepath.FromSlash(path)))
		if err != nil {
			return fmt.Errorf("read the encoder: %w", err)
		}
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o600, Size: info.Size()}); err != nil {
			return err
		}
		if _, err := p.copyFile(archive, path); err != nil {
			return err
		}
	}
	return archive.Close()
}

func writeText(archive *tar.Writer, name string, text []byte) error {
	err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(text))})
	_, written := archive.Write(text)
	return errors.Join(err, written)
}
