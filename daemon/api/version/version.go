// Package version says which build a program is, from what the Go linker wrote
// into it. It is shared by the daemon and its client.
package version

import (
	"fmt"
	"runtime/debug"
	"strings"
)

const unknown = "(unknown)"

// Short is the module's version, as v0.3.0 or v0.0.0-20260301123400-0a1b2c3d4e5f;
// where the build has none, the commit; "(unknown)" without either.
func Short() string {
	info, _ := debug.ReadBuildInfo()
	return short(info)
}

// Long is Short with the commit and its time, and what the program was built
// with and for.
func Long() string {
	info, _ := debug.ReadBuildInfo()
	return long(info)
}

func short(info *debug.BuildInfo) string {
	switch {
	case info == nil:
		return unknown
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	if commit := setting(info, "vcs.revision"); commit != "" {
		return commit[:min(12, len(commit))]
	}
	return unknown
}

func long(info *debug.BuildInfo) string {
	if info == nil {
		return unknown
	}
	var details []string
	if commit := setting(info, "vcs.revision"); commit != "" {
		text := strings.TrimSpace("commit " + commit + " " + setting(info, "vcs.time"))
		if setting(info, "vcs.modified") == "true" {
			text += ", modified"
		}
		details = append(details, text)
	}
	details = append(details, fmt.Sprintf("%s %s/%s", info.GoVersion, setting(info, "GOOS"), setting(info, "GOARCH")))
	return short(info) + " (" + strings.Join(details, "; ") + ")"
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
