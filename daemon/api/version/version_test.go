package version

import (
	"runtime/debug"
	"testing"
)

func TestVersions(t *testing.T) {
	f := func(info *debug.BuildInfo, wantShort, wantLong string) {
		t.Helper()
		if got := short(info); got != wantShort {
			t.Errorf("short: got %s, want %s", got, wantShort)
		}
		if got := long(info); got != wantLong {
			t.Errorf("long: got %s, want %s", got, wantLong)
		}
	}
	built := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		settings = append(settings, debug.BuildSetting{Key: "GOOS", Value: "linux"}, debug.BuildSetting{Key: "GOARCH", Value: "arm64"})
		return &debug.BuildInfo{GoVersion: "go1.26.1", Main: debug.Module{Version: version}, Settings: settings}
	}
	commit := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0a1b2c3d4e5f60718293"}, {Key: "vcs.time", Value: "2026-03-01T12:34:00Z"}, {Key: "vcs.modified", Value: "true"},
	}
	f(built("v0.3.0"), "v0.3.0", "v0.3.0 (go1.26.1 linux/arm64)")
	f(built("(devel)", commit...), "0a1b2c3d4e5f", "0a1b2c3d4e5f (commit 0a1b2c3d4e5f60718293 2026-03-01T12:34:00Z, modified; go1.26.1 linux/arm64)")
	f(built("v0.3.0", commit[:2]...), "v0.3.0", "v0.3.0 (commit 0a1b2c3d4e5f60718293 2026-03-01T12:34:00Z; go1.26.1 linux/arm64)")
	f(built("(devel)"), "(unknown)", "(unknown) (go1.26.1 linux/arm64)")
	f(nil, "(unknown)", "(unknown)")
}
