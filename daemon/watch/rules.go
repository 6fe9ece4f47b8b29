package watch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"vsed/daemon/ignore"
)

// photoExtensions are the endings of photos' names, in lower case.
var photoExtensions = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".png": true, ".webp": true, ".gif": true, ".tif": true, ".tiff": true,
	".bmp": true, ".heic": true, ".heif": true, ".avif": true, ".jxl": true,
	// as cameras store them
	".dng": true, ".cr2": true, ".cr3": true, ".nef": true, ".arw": true, ".raf": true, ".orf": true, ".rw2": true,
}

// temporaryExtensions end the names of files that a browser or a copy has not
// finished.
var temporaryExtensions = map[string]bool{
	".part": true, ".partial": true, ".filepart": true, ".crdownload": true, ".download": true, ".tmp": true, ".temp": true,
}

const sidecarExtension = ".xmp"

// classify says what a file or folder is by its name, its mode and the patterns
// that hold where it lies. A pattern that wants a file has it seen in spite of
// its name, but does not make a photo of it.
func (e *Entry) classify(rules *ignore.Rules, mode uint32) {
	verdict, rule := rules.Match(e.Path, e.Folder)
	name := path.Base(e.Path)
	if verdict == ignore.Unnamed {
		rule = ruleOfName(name)
	}
	switch {
	case verdict != ignore.Wanted && rule != "":
		e.Rule = rule
	case mode&unix.S_IFMT == unix.S_IFLNK:
		e.Rule = "symbolic link"
	case e.Folder:
	case !e.Regular:
		e.Rule = "not a regular file"
	case strings.EqualFold(path.Ext(name), sidecarExtension):
		e.Sidecar = true
	default:
		e.Rule = ruleOfExtension(path.Ext(name))
	}
}

// ruleOfName holds for files and folders alike. There are few rules, whatever
// names there are: they are counted.
func ruleOfName(name string) string {
	switch {
	case name == "@eaDir":
		return "thumbnails of a Synology NAS: @eaDir"
	case name == ".thumbnails":
		return "thumbnails: .thumbnails"
	case strings.EqualFold(name, "$RECYCLE.BIN"):
		return "trash: $RECYCLE.BIN"
	case name == "#recycle":
		return "trash: #recycle"
	case strings.HasPrefix(name, ".Trash"):
		return "trash: .Trash*"
	case name == "lost+found":
		return "remains of a damaged filesystem: lost+found"
	case strings.HasPrefix(name, "."):
		return "hidden: .*"
	}
	return ""
}

func ruleOfExtension(extension string) string {
	extension = strings.ToLower(extension)
	switch {
	case photoExtensions[extension]:
		return ""
	case strings.HasSuffix(extension, "~"):
		return "temporary name: *~"
	case temporaryExtensions[extension]:
		return "temporary name: *" + extension
	case extension == "" || extension == ".":
		return "not a photo: no extension"
	case len(extension) > 8 || strings.ContainsFunc(extension[1:], isUnusual):
		return "not a photo: unusual extension"
	}
	return "not a photo: " + extension
}

func isUnusual(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }

// rulesIn adds the patterns of a file in an open folder to those of the folders
// above. Where it is there and cannot be read, nothing is known of what the user
// wants to be left alone, so the folder must be.
func rulesIn(folder int, relative string, above *ignore.Rules) (*ignore.Rules, error) {
	text, err := readRules(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return above, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Join(relative, ignore.FileName), err)
	}
	return above.In(relative, text)
}

func readRules(folder int) ([]byte, error) {
	fd, err := openName(folder, ignore.FileName, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return nil, linkError(err)
	}
	file := os.NewFile(uintptr(fd), ignore.FileName)
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, ErrNotRegular)
	}
	return io.ReadAll(io.LimitReader(file, ignore.MaxSize+1))
}
