package cli

import (
	"bytes"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

func status() api.Status {
	counts := api.Counts{Total: 12342, Encoded: 12000, Waiting: 300, Quarantined: 2, Offline: 40, Missing: 3, Ignored: 17}
	return api.Status{
		Version: "0.1.0", Photos: counts, Rate: 25.34, Change: 99,
		Encoder: api.Encoder{Space: "builtin-1", Name: "EfficientNet-B0 + MiniLM", Provider: "CPU"},
		Folders: []api.Folder{
			{Path: api.NewPath("/photos"), State: "online", Mode: "watching", Filesystem: "ext4", LastScan: "2026-03-01T12:30:00Z", LagSeconds: 1.5, Counts: counts,
				IgnoredRules: map[string]int64{"symbolic link": 2, "hidden": 15}},
			{Path: api.NewPath("/media/a disk\x1b[31m"), State: "offline", Mode: "polling", Problem: "it is not mounted: mount it, its photos stay findable until then"},
			{Path: api.NewPath("/net/写真"), State: "not answering", Mode: "partly polling", Filesystem: "fuse.sshfs", LastScan: "2026-02-26T12:30:00Z", LagSeconds: 7300, Problem: "no answer for 2 min"},
		},
		Quarantined: []api.QuarantinedFile{
			{ID: 12, Path: api.NewPath(hostile), Reason: "not a picture: text", Attempts: 1, LastAttempt: "2026-01-01T00:00:00Z"},
			{ID: 1234, Path: api.NewPath("/photos/2019/broken.jpg"), Reason: "the decoder crashed on it", Attempts: 3, LastAttempt: "2026-03-01T12:29:00Z", NextAttempt: "2026-03-01T14:29:00Z"},
		},
		UnreadableSidecars: 5,
		Sidecars: []api.UnreadableSidecar{
			{Path: api.NewPath(hostile + ".xmp"), Reason: "is not XMP: no rdf:Description stands in it"},
			{Path: api.NewPath("/photos/2019/a.xmp"), Reason: "permission denied: let the user that runs vsed read it", NextAttempt: "2026-03-01T12:49:00Z"},
			{Path: api.NewPath("/photos/2019/b.xmp"), Reason: "is more than 4 MiB long"},
			{Path: api.NewPath("/photos/2019/c.xmp"), Reason: "is more than 4 MiB long"},
		},
	}
}

func TestStatus(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	f := func(name string, width int, asJSON bool, s api.Status) {
		t.Helper()
		library.Set(s)
		var text bytes.Buffer
		if err := runStatus(t.Context(), StatusOptions{Common: Common{client, asJSON}}, Screen{Writer: &text, Width: width, Now: now()}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, text.Bytes())
	}
	f("status.txt", 0, false, status())
	f("status-80.txt", 80, false, status())
	f("status.json", 0, true, status())
	f("status-new.txt", 0, false, api.Status{Encoder: api.Encoder{Problem: "libonnxruntime.so.1 was not found: install it"}})
	ready := status()
	ready.Ready, ready.Quarantined, ready.Folders = true, nil, nil
	ready.UnreadableSidecars, ready.Sidecars = 0, nil
	f("status-ready.txt", 0, false, ready)
}
