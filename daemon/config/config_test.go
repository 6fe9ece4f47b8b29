package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the expected errors of testdata anew")

// Every testdata/*.good.toml loads and validates.
func TestGoodFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.good.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no good files: %v", err)
	}
	for _, file := range files {
		c, err := Load(file, nil)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// Every testdata/NAME.bad.toml fails with the text in NAME.bad.error.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		c, err := Load(file, nil)
		if err == nil {
			err = c.Validate()
		}
		if err == nil {
			t.Errorf("%s: no error", file)
			continue
		}
		expect(t, strings.TrimSuffix(file, ".toml")+".error", err.Error()+"\n")
	}
}

func expect(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\ngot  %swant %s", file, got, want)
	}
}

func TestFullFileSetsEveryField(t *testing.T) {
	got, err := Load("testdata/full.good.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		State: "/srv/vsed", Socket: "/run/user/1000/vsed.sock", Folders: []string{"/photos", "/media/Älter"},
		Log: Log{Level: "debug"},
		Encoder: Encoder{
			Bundle: "/srv/models/clip", Plugin: "/opt/encoder", ONNXRuntimeLibrary: "/usr/lib/libonnxruntime.so", Timeout: Duration{3 * time.Minute},
			Providers: Names{"cuda", "cpu"}, AllowCPUFallback: true, Keep: 3,
		},
		Memory: Memory{Limit: Size{1500 << 20}},
		Decoder: Decoder{
			Plugin: "/opt/decoder", Processes: 4, Timeout: Duration{90 * time.Second},
			MaxMegapixels: 200, MaxMemory: Size{1 << 30}, RecyclePhotos: 500, RecycleMemory: Size{768 << 20}, RequireSandbox: true,
		},
		Tags:   Tags{WriteSidecars: true},
		Learn:  Learn{Auto: LearnOff, Hour: 14},
		Search: Search{Language: "de", Hemisphere: "south"},
		Watch:  Watch{PollInterval: Duration{5 * time.Minute}},
	}
	got.origins, want.origins = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Each key of the table is reachable through its variable, and each field of
// Config has a key, so that a new field cannot be forgotten.
func TestEveryFieldHasAVariable(t *testing.T) {
	env := []string{
		"VSED_STATE=/srv/vsed", "VSED_SOCKET=/run/user/1000/vsed.sock", "VSED_FOLDERS=/photos:/media/Älter",
		"VSED_LOG_LEVEL=debug", "VSED_ENCODER_BUNDLE=/srv/models/clip", "VSED_ENCODER_PLUGIN=/opt/encoder",
		"VSED_ONNXRUNTIME=/usr/lib/libonnxruntime.so", "VSED_ENCODER_TIMEOUT=3m", "VSED_DECODER_PLUGIN=/opt/decoder", "VSED_DECODER_PROCESSES=4",
		"VSED_DECODER_TIMEOUT=1m30s", "VSED_DECODER_MAX_MEGAPIXELS=200", "VSED_DECODER_MAX_MEMORY=1GiB",
		"VSED_DECODER_RECYCLE_PHOTOS=500", "VSED_DECODER_RECYCLE_MEMORY=768MiB", "VSED_DECODER_REQUIRE_SANDBOX=true",
		"VSED_ENCODER_PROVIDERS=cuda,cpu", "VSED_ENCODER_ALLOW_CPU_FALLBACK=true", "VSED_ENCODER_IDLE_UNLOAD=0s", "VSED_ENCODER_KEEP_ENCODERS=3",
		"VSED_MEMORY_LIMIT=1500MiB", "VSED_TAGS_WRITE_SIDECARS=true", "VSED_LEARN_AUTO=off", "VSED_LEARN_HOUR=14", "VSED_WATCH_POLL_INTERVAL=5m",
		"VSED_INGEST_THUMBNAILS=false", "VSED_SEARCH_LANGUAGE=de", "VSED_SEARCH_HEMISPHERE=south", "HOME=/users/someone", "VSED_SOMETHING_ELSE=1",
	}
	got, err := Load("", env)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load("testdata/full.good.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	got.origins, want.origins = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n := countFields(reflect.TypeFor[Config]()); n != len(keys()) {
		t.Errorf("%d fields, %d keys", n, len(keys()))
	}
}

func countFields(of reflect.Type) int {
	n := 0
	for field := range of.Fields() {
		if !field.IsExported() {
			continue
		}
		if field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[Duration]() && field.Type != reflect.TypeFor[Size]() {
			n += countFields(field.Type)
			continue
		}
		n++
	}
	return n
}

func TestVariablesOverrideFile(t *testing.T) {
	c, err := Load("testdata/full.good.toml", []string{"VSED_STATE=/other", "VSED_SOCKET="})
	if err != nil {
		t.Fatal(err)
	}
	if c.State != "/other" || c.Socket != "/run/user/1000/vsed.sock" {
		t.Errorf("state %q, socket %q", c.State, c.Socket)
	}
}

func TestBadVariables(t *testing.T) {
	f := func(variable, want string) {
		t.Helper()
		_, err := Load("", []string{variable})
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", variable, err, want)
		}
	}
	f("VSED_SOKET=/x", `unknown variable VSED_SOKET; did you mean VSED_SOCKET?`)
	f("VSED_DECODER_PROCESSES=many", `VSED_DECODER_PROCESSES: decoder.processes must be a whole number, as 4, not "many"`)
	f("VSED_DECODER_TIMEOUT=30", `VSED_DECODER_TIMEOUT: decoder.timeout must be a time with its unit, as "30s", not "30"`)
	f("VSED_DECODER_MAX_MEMORY=512", `VSED_DECODER_MAX_MEMORY: decoder.max_memory must be a size with its unit, as "512MiB", not "512"`)
	f("VSED_INGEST_THUMBNAILS=yes", `VSED_INGEST_THUMBNAILS: ingest.thumbnails must be true or false, not "yes"`)
}

func TestSizes(t *testing.T) {
	f := func(text string, want int64, wantText string) {
		t.Helper()
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got.Bytes != want || got.String() != wantText {
			t.Errorf("%s: got %d %s, %v", text, got.Bytes, got, err)
		}
	}
	f("512MiB", 512<<20, "512MiB")
	f("2 GiB", 2<<30, "2GiB")
	f("1500 kB", 1_500_000, "1500000B")
	f("400MB", 400_000_000, "390625KiB")
	f("0B", 0, "0B")
	f("8191PiB", 8191<<50, "8191PiB")
	bad := func(text string) {
		t.Helper()
		var got Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %s", text, got)
		}
	}
	bad("")
	bad("512")
	bad("MiB")
	bad("-1MiB")
	bad("1.5GiB")
	bad("512mib")
	bad("8192PiB")
	bad("99999999999999999999B")
}

func TestMissingFileIsNamed(t *testing.T) {
	_, err := Load("testdata/none.toml", nil)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), `"testdata/none.toml"`) {
		t.Errorf("got %v", err)
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

// The daemon watches no folder that shares files with its state, also where a scan
// would pass by.
func TestStateAndFoldersLieApart(t *testing.T) {
	f := func(state, want string) {
		t.Helper()
		c := Default()
		c.State, c.Folders = state, []string{"/users/a/"}
		err := c.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", state, err, want)
		}
	}
	f("/users/a", "lies in the photo folder")
	f("/users/a/state", "lies in the photo folder")
	f("/users/a/.local/share/vsed", "lies in the photo folder")
	f("/users", `folders[0] "/users/a" lies in the state folder "/users"`)
	f("/users/ab", "")
	f("/users/..a", "")
	f("/var/lib/vsed", "")
}

// Whatever the text, an error names the file on every line and nothing panics.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.toml")
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		c := Default()
		err := parse("f.toml", document, &c)
		if err == nil {
			_ = c.Validate()
			return
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if !strings.HasPrefix(line, "f.toml:") {
				t.Errorf("line without its file: %q", line)
			}
		}
	})
}
