package dataset

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"vsed/plugins/contract"
	"vsed/plugins/decoder/metadata"
)

// extensions are those of the files that the daemon looks at.
var extensions = []string{
	".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif", ".jxl",
	".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2",
}

const sidecarExtension = ".xmp"

// ReadFolder reads the photos in a folder and below it, hidden ones aside, with the
// keywords of their XMP sidecars: a.jpg.xmp, else a.xmp where no other photo has its
// stem. A photo without one has no tags. Its owner is the folder right below the
// given one in which it lies, as a downloader lays photos out.
func ReadFolder(folder string) (Set, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("data set: %w", err)
	}
	defer root.Close()
	f := &folderReader{root: root, folder: folder}
	if err := fs.WalkDir(root.FS(), ".", f.visit); err != nil {
		return nil, fmt.Errorf("data set %s: %w", folder, err)
	}
	if len(f.photos) == 0 {
		return nil, &Error{File: folder, Problem: "there is no photo in the folder", Remedy: "name another"}
	}
	return f.read()
}

type folderReader struct {
	root     *os.Root
	folder   string
	photos   []string
	sidecars map[string]string // by their names in lower case
	stems    map[string]int    // how many photos share one
}

func (f *folderReader) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil || name == "." {
		return err
	}
	if strings.HasPrefix(entry.Name(), ".") {
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if !entry.Type().IsRegular() {
		return nil
	}
	if f.sidecars == nil {
		f.sidecars, f.stems = map[string]string{}, map[string]int{}
	}
	switch extension := strings.ToLower(path.Ext(name)); {
	case extension == sidecarExtension:
		f.sidecars[strings.TrimSuffix(name, path.Ext(name))+sidecarExtension] = name
	case slices.Contains(extensions, extension):
		f.photos = append(f.photos, name)
		f.stems[strings.TrimSuffix(name, path.Ext(name))]++
	}
	return nil
}

func (f *folderReader) read() (set Set, err error) {
	for i, name := range f.photos {
		photo := Photo{Name: name, Row: i}
		if owner, _, below := strings.Cut(name, "/"); below {
			photo.Owner = owner
		}
		if sidecar := f.sidecar(name); sidecar != "" {
			if err := f.readSidecar(sidecar, &photo); err != nil {
				return nil, &Error{File: path.Join(f.folder, sidecar), Problem: "the sidecar " + err.Error(), Remedy: "mend it, or move it away"}
			}
		}
		set = append(set, photo)
	}
	return set, nil
}

// sidecar gives the name of the photo's; empty where it has none.
func (f *folderReader) sidecar(photo string) string {
	if own, ok := f.sidecars[photo+sidecarExtension]; ok {
		return own
	}
	stem := strings.TrimSuffix(photo, path.Ext(photo))
	if f.stems[stem] > 1 {
		return ""
	}
	return f.sidecars[stem+sidecarExtension]
}

func (f *folderReader) readSidecar(name string, photo *Photo) error {
	file, err := f.root.Open(name)
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	defer file.Close()
	packet, err := io.ReadAll(io.LimitReader(file, contract.SidecarLimit+1))
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	return photo.takeSidecar(packet)
}

func (photo *Photo) takeSidecar(packet []byte) error {
	if len(packet) > contract.SidecarLimit {
		return errors.New("is too large")
	}
	found, err := metadata.ReadSidecar(packet)
	if err != nil {
		return err
	}
	if photo.Tags, err = cleanTags(found.GetKeywords()); err != nil {
		return err
	}
	if found.GetTaken() != "" {
		photo.Taken, err = time.Parse("2006-01-02T15:04:05", found.GetTaken())
	}
	return err
}
