package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

// What examiners print on a Jetson without TensorRT, on a machine without a GPU,
// and on one without ONNX Runtime.
const (
	jetson = `{"platform":"jetpack 6","release":"R36.4.3","library":{"path":"/opt/ort/libonnxruntime.so.1.23.2","version":"1.23.2","api_version":23,"providers":["cuda","cpu"]},
"driver":"540.4.0","devices":["/dev/nvhost-gpu"],"gpus":[{"name":"Orin","capability":"8.7"}],
"libraries":[{"name":"TensorRT","file":"libnvinfer.so.10","version":"10.3.0"},{"name":"cuDNN","file":"libcudnn.so.9","version":"9.3.0"},{"name":"CUDA driver"}],
"providers":["cuda","cpu"],"problems":["provider tensorrt: the library was built without it; take another one; see docs/providers.md","provider x: \u001b[2J; take another one; see docs/providers.md"],
"remedy":"take libonnxruntime.so.* and libonnxruntime_providers_*.so out of a wheel built for JetPack 6, and name the first file with encoder.onnxruntime_library; see docs/providers.md"}`
	plain = `{"platform":"x86","library":{"path":"/usr/lib/vsed/libonnxruntime.so.1","version":"1.30.0","api_version":30,"providers":["tensorrt","cuda","cpu"]},
"devices":[],"gpus":[],"libraries":[{"name":"TensorRT"},{"name":"CUDA driver"}],"providers":["cpu"],
"problems":["provider cuda: libonnxruntime_providers_cuda.so is not beside /usr/lib/vsed/libonnxruntime.so.1; take another one; see docs/providers.md"]}`
	bare = `{"platform":"x86","library":{"providers":null},"devices":null,"gpus":null,"libraries":[{"name":"TensorRT"}],"providers":null,
"problems":["libonnxruntime 1.23 or newer is needed: /usr/lib/vsed/libonnxruntime.so.1 does not exist; install ONNX Runtime"]}`
)

// examiner is a program that prints text and ends with a status.
func examiner(t *testing.T, text string, status int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "examiner")
	script := fmt.Sprintf("#!/bin/sh\n[ \"$*\" = \"--doctor --library /l.so\" ] || exit 9\ncat <<'END'\n%s\nEND\necho 'it is broken' >&2\nexit %d\n", text, status)
	if err := os.WriteFile(file, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDoctor(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	library.Set(status())
	absent := &api.Client{Socket: "/none/vsed.sock"}
	f := func(name string, width, code int, client *api.Client, program string, asJSON, all bool) {
		t.Helper()
		var text bytes.Buffer
		options := DoctorOptions{Common: Common{client, asJSON}, Examiner: program, Library: "/l.so", All: all}
		err := runDoctor(t.Context(), options, Screen{Writer: &text, Width: width})
		if exitCode(err) != code {
			t.Errorf("%s: exit code %d (%v), want %d", name, exitCode(err), err, code)
		}
		golden(t, name, bytes.ReplaceAll(text.Bytes(), []byte(client.Socket), []byte("/run/vsed/vsed.sock")))
	}
	f("doctor-80.txt", 80, 0, client, examiner(t, jetson, 0), false, false)
	f("doctor-bare.txt", 0, 2, absent, examiner(t, bare, 0), false, false)
	f("doctor.json", 0, 0, client, examiner(t, jetson, 0), true, false)
	f("doctor-plain.txt", 80, 0, client, examiner(t, plain, 0), false, false)
	f("doctor-all.txt", 80, 0, client, examiner(t, plain, 0), false, true)
}

func TestDoctorWithoutAnExaminer(t *testing.T) {
	f := func(want, program string) {
		t.Helper()
		err := runDoctor(t.Context(), DoctorOptions{Common: Common{Client: &api.Client{}}, Examiner: program, Library: "/l.so"}, Screen{Writer: &bytes.Buffer{}})
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f("is not beside vsectl: `make build` makes it", "/none/vsed-encoder-onnx")
	f(": it is broken", examiner(t, "", 1))
	f("is its version another?", examiner(t, "hello", 0))
}
