package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bundle is a folder with a manifest that is sound.
type Bundle struct {
	Manifest
	folder string
	digest string
}

// Read reads and checks the manifest in a folder. It does not read the other
// files: Verify does.
func Read(folder string) (*Bundle, error) {
	path := filepath.Join(folder, ManifestName)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("encoder bundle: %w", err)
	}
	manifest, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("encoder bundle %s: %w", path, err)
	}
	return &Bundle{*manifest, folder, listDigest(data, manifest.Files)}, nil
}

// Parse reads a manifest strictly: a field that is unknown, missing or out of
// range is an error that names it.
func Parse(data []byte) (*Manifest, error) {
	manifest := &Manifest{}
	if err := checkFormat(data); err != nil {
		return nil, err
	}
	if err := decodeStrict(data, manifest); err != nil {
		return nil, err
	}
	if err := manifest.Validate(); err != nil {
		return nil, err
	}
	return manifest, nil
}

// checkFormat comes before all else: fields of another format are no mistakes.
func checkFormat(data []byte) error {
	about := struct{ Format *int }{}
	if json.Unmarshal(data, &about) == nil && about.Format != nil && *about.Format != FormatVersion {
		return fmt.Errorf("format is %d; this version of vsed reads %d: make or pull the encoder again", *about.Format, FormatVersion)
	}
	return nil
}

// Path is where a file of the bundle is.
func (b *Bundle) Path(file string) string {
	return filepath.Join(b.folder, filepath.FromSlash(file))
}

// Digest identifies every byte of the bundle, in hexadecimal.
func (b *Bundle) Digest() string { return b.digest }

func listDigest(manifest []byte, files []File) string {
	lines := []string{fmt.Sprintf("%x %s\n", sha256.Sum256(manifest), ManifestName)}
	for _, file := range files {
		lines = append(lines, file.SHA256+" "+file.Path+"\n")
	}
	slices.Sort(lines[1:])
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// Verify reads every file and compares it with the manifest.
func (b *Bundle) Verify() error {
	for _, file := range b.Files {
		found, err := describe(b.folder, file.Path)
		if err != nil {
			return fmt.Errorf("encoder bundle: %w", err)
		}
		if found.Bytes != file.Bytes || found.SHA256 != strings.ToLower(file.SHA256) {
			return fmt.Errorf("encoder bundle: %s is not the file that the manifest lists; make or install the bundle again", b.Path(file.Path))
		}
	}
	return nil
}

func describe(folder, path string) (File, error) {
	file, err := os.Open(filepath.Join(folder, filepath.FromSlash(path)))
	if err != nil {
		return File{}, err
	}
	defer file.Close()
	hash := sha256.New()
	count, err := io.Copy(hash, file)
	return File{Path: path, Bytes: count, SHA256: hex.EncodeToString(hash.Sum(nil))}, err
}

// Write completes a bundle: it lists the files that lie in the folder and writes
// the manifest. A file's source is what sourceOf says of its path; "" leaves the
// file out of the bundle.
func Write(folder string, manifest Manifest, sourceOf func(path string) string) error {
	manifest.Format, manifest.Files = FormatVersion, nil
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil || relative == ManifestName {
			return err
		}
		source := sourceOf(filepath.ToSlash(relative))
		if source == "" {
			return nil
		}
		file, err := describe(folder, filepath.ToSlash(relative))
		file.Source = source
		manifest.Files = append(manifest.Files, file)
		return err
	})
	if err == nil {
		err = manifest.Validate()
	}
	if err != nil {
		return fmt.Errorf("encoder bundle %s: %w", folder, err)
	}
	data, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("encoder bundle %s: %w", folder, err)
	}
	return os.WriteFile(filepath.Join(folder, ManifestName), append(data, '\n'), 0o644)
}
