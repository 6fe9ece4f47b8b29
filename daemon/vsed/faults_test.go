package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"vsed/daemon/api"
)

func TestOddNamesAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := []string{"with space.jpg", "new\nline.jpg", "bad\xff\xfeutf8.jpg", "-rf.jpg", "100%?#&.jpg", "süß/日本.jpg", "a'\"`$(x).jpg"}
	for i, name := range names {
		w.photo(name, red, i)
	}
	w.start()
	if status := w.settled(); status.Photos.Encoded != int64(len(names)) {
		t.Errorf("encoded %+v", status.Photos)
	}
	found := w.find("red")
	slices.Sort(found)
	slices.Sort(names)
	if !slices.Equal(found, names) {
		t.Errorf("found %q, want %q", found, names)
	}
	photos, err := w.client.PhotosByPath(t.Context(), w.photos+"/bad\xff\xfeutf8.jpg")
	if err != nil || len(photos) != 1 || photos[0].Base64 == "" {
		t.Errorf("by its exact bytes: %+v, %v", photos, err)
	}
	if stdout, _, _ := w.vsectl("search", "red"); strings.Contains(stdout, "\xff") || strings.Contains(stdout, "new\nline") {
		t.Errorf("raw bytes of a name on the terminal:\n%q", stdout)
	}
}

func TestBadFilesAreSetAsideAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("good.jpg", green, 1)
	w.photo("whole.jpg", green, 2)
	whole, err := os.ReadFile(filepath.Join(w.photos, "whole.jpg"))
	w.check(err)
	w.file("truncated.jpg", whole[:len(whole)/2])
	w.file("empty.jpg", nil)
	w.file("text.jpg", []byte("Dear diary,\nthis is no photo.\n"))
	w.file("huge.png", hugePNG(t))
	w.start()
	status := w.settled()
	if status.Photos.Encoded != 3 || status.Photos.Quarantined != 3 {
		t.Errorf("counts %+v", status.Photos)
	}
	for _, name := range []string{"truncated.jpg", "empty.jpg", "text.jpg"} {
		file := quarantined(status, name)
		if file == nil || file.Reason == "" || strings.Contains(file.Reason, "\n") {
			t.Errorf("%s: set aside as %+v", name, file)
		}
	}
	if huge := quarantined(status, "huge.png"); huge != nil {
		t.Errorf("the huge picture is decoded row by row elsewhere, and was refused here: %s", huge.Reason)
	}
	w.photo("text.jpg", green, 3) // mended
	w.untilStatus("the mended file is encoded", func(s api.Status) bool { return quarantined(s, "text.jpg") == nil && s.Ready })
}

func quarantined(status api.Status, name string) *api.QuarantinedFile {
	for _, file := range status.Quarantined {
		if filepath.Base(file.Text) == name {
			return &file
		}
	}
	return nil
}

// hugePNG is 30,000 × 30,000 pixels in some 900 KB.
func hugePNG(t *testing.T) []byte {
	var encoded bytes.Buffer
	picture := &image.Uniform{C: color.Gray{100}}
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&encoded, bounded{picture}); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

type bounded struct{ *image.Uniform }

func (bounded) Bounds() image.Rectangle { return image.Rect(0, 0, 30_000, 30_000) }
func (bounded) ColorModel() color.Model { return color.GrayModel }

func TestLinksAreIgnoredByRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a/real.jpg", blue, 1)
	outside := filepath.Join(filepath.Dir(w.state), "secret.jpg")
	w.check(os.WriteFile(outside, []byte("secret"), 0o644))
	w.check(os.Symlink(outside, filepath.Join(w.photos, "out.jpg")))
	w.check(os.Symlink("..", filepath.Join(w.photos, "a", "loop")))
	w.check(os.Symlink("self", filepath.Join(w.photos, "self")))
	w.start()
	status := w.settled()
	if status.Photos.Total != 1 || status.Photos.Ignored != 3 || status.Folders[0].IgnoredRules["symbolic link"] != 3 {
		t.Errorf("counts %+v, rules %v", status.Photos, status.Folders[0].IgnoredRules)
	}
}

func TestTheFolderIsFollowedLive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("first.jpg", red, 1)
	w.start()
	w.settled()
	w.photo("deep/er/second.jpg", blue, 2)
	w.until("the new photo is found", func() bool { return slices.Contains(w.find("blue"), "deep/er/second.jpg") })
	w.check(os.Rename(filepath.Join(w.photos, "deep"), filepath.Join(w.photos, "moved")))
	w.until("the moved photo is found", func() bool {
		found := w.find("blue")
		return slices.Contains(found, "moved/er/second.jpg") && !slices.Contains(found[:1], "deep/er/second.jpg")
	})
	w.check(os.Remove(filepath.Join(w.photos, "first.jpg")))
	w.until("the deleted photo is gone", func() bool { return !slices.Contains(w.find("red"), "first.jpg") })
	if status := w.settled(); status.Photos.Missing == 0 || status.Photos.Encoded != 1 {
		t.Errorf("counts %+v", status.Photos)
	}
}

func TestTagsFindPhotosAndOutliveARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	w.photo("b.jpg", blue, 2)
	w.start()
	w.settled()
	if _, stderr, status := w.vsectl("tag", "add", filepath.Join(w.photos, "b.jpg"), "Grandma", "sea side"); status != 0 {
		t.Fatal(stderr)
	}
	w.until("the tag lifts the photo", func() bool { found := w.find("grandma"); return len(found) > 0 && found[0] == "b.jpg" })
	w.stop()
	w.start()
	w.settled()
	w.until("the tag is found after a restart", func() bool { found := w.find("sea side"); return len(found) > 0 && found[0] == "b.jpg" })
	if stdout, _, status := w.vsectl("tag", "list", filepath.Join(w.photos, "b.jpg")); status != 0 || !strings.Contains(stdout, "Grandma") {
		t.Errorf("tag list: %d\n%s", status, stdout)
	}
}

func TestOneDaemonAStateFolderAndASocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	second := w.command()
	if said := fails(t, second); !strings.Contains(said, w.state) || !strings.Contains(said, fmt.Sprint(w.daemon.Process.Pid)) {
		t.Errorf("the same state folder: %s", said)
	}
	other := newWorld(t)
	other.socket = w.socket
	if said := fails(t, other.command()); !strings.Contains(said, w.socket) {
		t.Errorf("the same socket: %s", said)
	}
	if _, err := w.client.Status(t.Context()); err != nil {
		t.Errorf("the first daemon does not answer any more: %v", err)
	}
}

// fails runs a command that must end with an error of one line, and gives it.
func fails(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	output, err := command.CombinedOutput()
	if err == nil {
		t.Errorf("%v ended without an error", command.Args)
	}
	said := strings.TrimSpace(string(output))
	if said == "" || strings.Contains(said, "\n") {
		t.Errorf("%v: not one line:\n%s", command.Args[1:], said)
	}
	return said
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: w.socket, Net: "unix"})
	w.check(err)
	listener.SetUnlinkOnClose(false)
	w.check(listener.Close())
	w.start()
}

func TestConfigurationErrorsNameTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(filepath.Dir(w.state), "vsed.toml")
	w.check(os.WriteFile(path, []byte("state = \"/tmp/x\"\n\nfodlers = [\"/photos\"]\n"), 0o644))
	said := fails(t, exec.Command(filepath.Join(binaries, "vsed"), "validate", "--config", path))
	if !strings.Contains(said, path+":3") || !strings.Contains(said, "fodlers") {
		t.Errorf("said %s", said)
	}
}

func TestAFolderThatIsNoneIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(filepath.Dir(w.state), "file")
	w.check(os.WriteFile(file, nil, 0o644))
	if said := fails(t, w.command("--folder", file)); said != "vsed: --folder: folders[1] \""+file+"\" is no folder: name the folder that it lies in" {
		t.Errorf("said %s", said)
	}
	later := filepath.Join(filepath.Dir(w.state), "later")
	w.check(os.Mkdir(later, 0o755))
	w.photo("a.jpg", red, 1)
	w.start("--folder", later, "--folder", filepath.Join(filepath.Dir(w.state), "absent"))
	w.check(os.Remove(later))
	w.check(os.WriteFile(later, nil, 0o644))
	status := w.untilStatus("both folders have a problem", func(s api.Status) bool {
		offline := 0
		for _, folder := range s.Folders {
			if folder.State == "offline" && folder.Problem != "" {
				offline++
			}
		}
		return offline == 2 && s.Photos.Encoded == 1
	})
	for _, folder := range status.Folders {
		if folder.State == "offline" && !strings.Contains(folder.Problem, folder.Text) {
			t.Errorf("%s: the problem does not name it: %s", folder.Text, folder.Problem)
		}
	}
	for _, path := range []string{file, "/no/such/folder"} {
		if _, stderr, status := w.vsectl("folder", "add", path); status == 0 || !strings.Contains(stderr, path) {
			t.Errorf("folder add %s: status %d, %s", path, status, stderr)
		}
	}
}

func TestOddQueries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	w.start()
	w.settled()
	if _, stderr, status := w.vsectl("search", ""); status != 2 || !strings.Contains(stderr, "empty") {
		t.Errorf("an empty query: status %d, %s", status, stderr)
	}
	for _, query := range []string{strings.Repeat("long query ", 1000), "🏖️🐕", "*?:^~AND", "' OR 1=1 --", "日本語"} {
		if _, stderr, status := w.vsectl("search", query); status > 1 {
			t.Errorf("the query %.20q: status %d, %s", query, status, stderr)
		}
	}
	if _, stderr, status := w.vsectl("search", `a "red car`); status != 2 || !strings.Contains(stderr, "character 3") {
		t.Errorf("half a quotation: status %d, %s", status, stderr)
	}
}

func TestWithoutADaemonTheClientSaysHowToStartIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, stderr, status := w.vsectl("search", "dog")
	if status != 10 || !strings.Contains(stderr, "vsed run") || !strings.Contains(stderr, w.socket) {
		t.Errorf("status %d, %s", status, stderr)
	}
}

func TestBrokenEncodersAreNamedAndPhotosWait(t *testing.T) {
	t.Parallel()
	fake := "exec " + filepath.Join(binaries, "vsed-encoder-fake") + ` "$@"`
	for name, one := range map[string]struct {
		script string
		flags  []string
		want   string
	}{
		"not a plugin":       {script: "echo hello; sleep 30", want: "not a plugin of vsed"},
		"dies in start-up":   {script: fake, flags: []string{"--die-at-start"}, want: "ended"},
		"cannot be executed": {script: "exec /no/such/program", want: "/no/such/program"},
		"gives NaN":          {script: fake, flags: []string{"--nan"}, want: "not finite"},
		"wrong size":         {script: fake, flags: []string{"--wrong-size"}, want: "wrong answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.photo("a.jpg", red, 1)
			w.useEncoder(one.script, one.flags...)
			w.start()
			status := w.untilStatus("the problem is told", func(s api.Status) bool { return s.Encoder.Problem != "" && s.Photos.Waiting == 1 })
			if !strings.Contains(status.Encoder.Problem, one.want) || strings.Contains(status.Encoder.Problem, "\n") {
				t.Errorf("problem: %q, want %q in it", status.Encoder.Problem, one.want)
			}
			t.Logf("problem: %s", status.Encoder.Problem)
			w.stop()
			w.useEncoder(fake) // mended
			w.start()
			if status := w.settled(); status.Photos.Encoded != 1 {
				t.Errorf("after the repair: %+v", status.Photos)
			}
		})
	}
}

// marked is the colour on which the fake encoder crashes.
var marked = color.RGBA{R: 255, G: 255, B: 255, A: 255}

func TestAPhotoThatCrashesTheEncoderIsSetAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--crash-on-picture", "ffffff")
	for i := range 20 {
		w.photo(fmt.Sprintf("good-%d.jpg", i), red, i)
	}
	w.photo("guilty.jpg", marked, 1)
	w.start()
	status := w.settled()
	if status.Photos.Encoded != 20 || status.Photos.Quarantined != 1 {
		t.Errorf("counts %+v", status.Photos)
	}
	if file := quarantined(status, "guilty.jpg"); file == nil || !strings.Contains(file.Reason, "crash") {
		t.Errorf("set aside as %+v", file)
	}
}

func TestAHangingEncoderIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--hang-on-picture", "ffffff")
	w.environment = append(w.environment, "VSED_ENCODER_TIMEOUT=1s")
	for i := range 5 {
		w.photo(fmt.Sprintf("good-%d.jpg", i), red, i)
	}
	w.photo("guilty.jpg", marked, 1)
	w.start()
	status := w.settled()
	if status.Photos.Encoded != 5 || status.Photos.Quarantined != 1 {
		t.Errorf("counts %+v", status.Photos)
	}
	if file := quarantined(status, "guilty.jpg"); file == nil || !strings.Contains(file.Reason, "1s") {
		t.Errorf("set aside as %+v", file)
	}
}

func TestAKilledDaemonLeavesNoPluginAndGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--slow", "50ms")
	const count = 120
	for i := range count {
		w.photo(fmt.Sprintf("%d.jpg", i), red, i)
	}
	var before int64
	for range 4 {
		w.start()
		before = w.untilStatus("the catalogue answers", func(api.Status) bool { return true }).Photos.Encoded
		before = w.untilStatus("some more are encoded", func(s api.Status) bool { return s.Photos.Encoded > before }).Photos.Encoded
		plugins := w.plugins()
		if len(plugins) < 2 {
			t.Fatalf("plugins %v, want a decoder and an encoder at least", plugins)
		}
		w.kill()
		killed := time.Now()
		w.until("no plugin is left", func() bool { return !slices.ContainsFunc(plugins, alive) })
		if took := time.Since(killed); took > 2*time.Second {
			t.Errorf("plugins lived %v longer than the daemon", took)
		}
	}
	w.start()
	if after := w.settled().Photos; after.Encoded != count || before == count {
		t.Errorf("encoded %d of %d; %d before the last start", after.Encoded, count, before)
	}
	if found := w.find("red"); len(found) != count {
		t.Errorf("found %d photos of %d", len(found), count)
	}
	w.stop()
	check := exec.Command(filepath.Join(binaries, "vsed"), "check", "--state", w.state)
	if output, err := check.CombinedOutput(); err != nil {
		t.Errorf("vsed check: %v\n%s", err, output)
	}
}

// maxKills is less than the number of failures for which a photo is set aside:
// one that is under way each time must not be.
const maxKills = 2

func TestKilledPluginsAreReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--slow", "20ms")
	const count = 80
	for i := range count {
		w.photo(fmt.Sprintf("%d.jpg", i), green, i)
	}
	w.start()
	var before int64
	for range maxKills {
		before = w.untilStatus("some more are encoded", func(s api.Status) bool { return s.Photos.Encoded > before }).Photos.Encoded
		for _, pid := range w.plugins() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if status := w.settled(); status.Photos.Encoded != count {
		t.Errorf("counts %+v, set aside %+v", status.Photos, status.Quarantined)
	}
}

func TestTerminationDuringIngestIsQuick(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--slow", "10s")
	for i := range 30 {
		w.photo(fmt.Sprintf("%d.jpg", i), red, i)
	}
	w.start()
	w.untilStatus("the folder is scanned", func(s api.Status) bool { return s.Photos.Waiting == 30 })
	w.stop()
}

func TestAnEditInPlaceKeepsItsTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	w.start()
	w.settled()
	path := filepath.Join(w.photos, "a.jpg")
	if _, stderr, status := w.vsectl("tag", "add", path, "Grandma"); status != 0 {
		t.Fatal(stderr)
	}
	w.photo("a.jpg", blue, 2)
	w.until("the new content is found", func() bool { found := w.find("blue"); return len(found) > 0 && found[0] == "a.jpg" })
	w.until("it has the tag", func() bool {
		photos, err := w.client.PhotosByPath(t.Context(), path)
		return err == nil && len(photos) == 1 && len(photos[0].Tags) == 1
	})
}

// A folder that was away when its vectors were due gets them when it is back.
func TestAFolderThatComesBackIsEncoded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--space", "one")
	w.photo("a.jpg", red, 1)
	w.start()
	w.settled()
	w.stop()
	away := w.photos + "-away"
	w.check(os.Rename(w.photos, away))
	w.useEncoder("exec "+filepath.Join(binaries, "vsed-encoder-fake")+` "$@"`, "--space", "two")
	w.start()
	w.untilStatus("the folder is offline", func(s api.Status) bool { return s.Photos.Offline == 1 && s.Encoder.Space == "two" })
	w.check(os.Rename(away, w.photos))
	w.untilStatus("the photo is encoded", func(s api.Status) bool { return s.Photos.Encoded == 1 })
}

func TestFoldersThatCannotBeWatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	comma := filepath.Join(filepath.Dir(w.state), "a, b")
	w.check(os.Mkdir(comma, 0o755))
	w.start("--folder", comma)
	if status := w.settled(); len(status.Folders) != 2 {
		t.Errorf("folders %+v", status.Folders)
	}
	parent := filepath.Dir(w.state)
	for _, path := range []string{parent, w.state, w.state + "/thumbnails"} {
		if _, stderr, status := w.vsectl("folder", "add", path); status == 0 || !strings.Contains(stderr, w.state) {
			t.Errorf("folder add %s: status %d, %s", path, status, stderr)
		}
	}
	w.stop()
	w.check(os.Mkdir(filepath.Join(w.photos, "below"), 0o755)) // overlaps, and must not keep vsed from starting
	w.start("--folder", filepath.Join(w.photos, "below"))
	if status := w.settled(); len(status.Folders) != 1 || status.Photos.Encoded != 1 {
		t.Errorf("folders %+v, photos %+v", status.Folders, status.Photos)
	}
}

func TestEmptyPathsAreRefused(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--state", "--socket", "--folder"} {
		if said := fails(t, exec.Command(filepath.Join(binaries, "vsed"), "run", flag, "")); !strings.Contains(said, flag) {
			t.Errorf("%s \"\": %s", flag, said)
		}
	}
}

func TestAFolderThatCannotBeReadWholeIsReadyAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	deep := strings.Repeat("d/", 300)
	w.photo(deep+"b.jpg", red, 2)
	w.start()
	status := w.settled()
	if status.Photos.Encoded != 1 || status.Folders[0].Problem == "" {
		t.Errorf("photos %+v, problem %q", status.Photos, status.Folders[0].Problem)
	}
}

func TestDeletedThumbnailsAreMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	w.start()
	w.settled()
	photos, err := w.client.PhotosByPath(t.Context(), filepath.Join(w.photos, "a.jpg"))
	w.check(err)
	before, err := w.client.Thumbnail(t.Context(), photos[0].ID)
	w.check(err)
	kept, err := filepath.Glob(filepath.Join(w.state, "thumbnails", "*", "*.webp"))
	w.check(err)
	w.check(os.Remove(kept[0]))
	after, err := w.client.Thumbnail(t.Context(), photos[0].ID)
	w.check(err)
	if !bytes.Equal(before, after) {
		t.Errorf("%d bytes before, %d after", len(before), len(after))
	}
}

func TestSIGHUPReadsTheFoldersAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.photo("a.jpg", red, 1)
	more := filepath.Join(filepath.Dir(w.state), "more")
	w.check(os.Mkdir(more, 0o755))
	path := filepath.Join(filepath.Dir(w.state), "vsed.toml")
	write := func(folders ...string) {
		w.check(os.WriteFile(path, fmt.Appendf(nil, "state = %q\nsocket = %q\nfolders = [\"%s\"]\n", w.state, w.socket, strings.Join(folders, `", "`)), 0o644))
	}
	write(w.photos)
	w.startWith(exec.Command(filepath.Join(binaries, "vsed"), "run", "--config", path))
	w.settled()
	write(more)
	w.check(w.daemon.Process.Signal(syscall.SIGHUP))
	w.untilStatus("the other folder is watched", func(s api.Status) bool { return len(s.Folders) == 1 && s.Folders[0].Text == more })
	w.check(os.WriteFile(path, []byte("folders = 7\n"), 0o644))
	w.check(w.daemon.Process.Signal(syscall.SIGHUP))
	w.until("the refusal is told", func() bool { return strings.Contains(w.output.String(), "the one before stands") })
	w.stop()
}

func TestCheckMakesNoFolder(t *testing.T) {
	t.Parallel()
	absent := filepath.Join(t.TempDir(), "absent")
	if said := fails(t, exec.Command(filepath.Join(binaries, "vsed"), "check", "--state", absent)); !strings.Contains(said, absent) {
		t.Errorf("said %s", said)
	}
	if _, err := os.Stat(absent); err == nil {
		t.Errorf("%s was made", absent)
	}
}
