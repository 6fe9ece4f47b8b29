package watch

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// photoExtensions are the endings of photos' names, in lower case.
var photoExtensions = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".png": true, ".webp": true, ".gif": true, ".tif": true, ".tiff": true,
	".bmp": true, ".heic": true, ".heif": true, ".avif": true, ".jxl": true,
}

// ruleOf names the rule that ignores a file or folder of this name and mode, or
// is empty. There are few rules, whatever names there are: they are counted.
func ruleOf(name string, mode uint32) string {
	if rule := ruleOfName(name); rule != "" {
		return rule
	}
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return ""
	case unix.S_IFLNK:
		return "symbolic link"
	case unix.S_IFREG:
		return ruleOfExtension(path.Ext(name))
	}
	return "not a regular file"
}

// ruleOfName holds for files and folders alike.
func ruleOfName(name string) string {
	switch {
	case name == "@eaDir":
		return "thumbnails of a Synology NAS: @eaDir"
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
	case extension == "" || extension == ".":
		return "not a photo: no extension"
	case len(extension) > 8 || strings.ContainsFunc(extension[1:], isUnusual):
		return "not a photo: unusual extension"
	}
	return "not a photo: " + extension
}

func isUnusual(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }

// ruleOfPath is the rule by which a name on the way to the last one is ignored.
func ruleOfPath(relative string) string {
	for name := range strings.SplitSeq(path.Dir(relative), "/") {
		if rule := ruleOfName(name); rule != "" && name != "." {
			return rule
		}
	}
	return ""
}
