package runtime

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"vsed/encoders/onnx"
)

func parseFile(t *testing.T, path string) Placement {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	placement, err := ParseProfile(file)
	if err != nil {
		t.Fatal(err)
	}
	return placement
}

// TestProfileOfARun makes a profile and looks that nothing of it stays behind.
func TestProfileOfARun(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	session := openWith(t, convolution(onnx.Float32, false), Options{Profile: true})
	for range 3 {
		if _, err := session.Run(t.Context(), Tensor{[]int64{1, 1, 4, 4}, make([]float32, 16)}); err != nil {
			t.Fatal(err)
		}
	}
	placement, err := session.Placement()
	if err != nil {
		t.Fatal(err)
	}
	if work := placement["cpu"]["Conv"]; work.Nodes != 1 || work.Runs != 3 || placement.Provider() != "cpu" {
		t.Errorf("placement %v", placement)
	}
	if _, err := session.Placement(); err == nil {
		t.Error("a second profile was read")
	}
	if _, err := session.Run(t.Context(), Tensor{[]int64{1, 1, 4, 4}, make([]float32, 16)}); err != nil {
		t.Errorf("run after the profile: %v", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestProfileThatNobodyReadIsRemoved(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	path := write(t, marshal(t, convolution(onnx.Float32, false)))
	session, err := load(t).Open(path, Options{Profile: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t).Open(path, Options{Profile: true, Providers: []Provider{CUDA{ConvolutionSearch: "?"}}}); err == nil {
		t.Error("opened with a setting that does not exist")
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestProfiles reads files: cpu.json was written by ONNX Runtime 1.30.0 for two
// runs of a small network, cuda.json and tensorrt.json by hand after the format
// that ONNX Runtime's documentation and issues show.
func TestProfiles(t *testing.T) {
	f := func(path, provider string, judged ...string) {
		t.Helper()
		placement := parseFile(t, path)
		if got := placement.Provider(); got != provider {
			t.Errorf("%s ran on %s", path, got)
		}
		err := placement.Judge("cuda")
		var fallback *FallbackError
		if len(judged) == 0 {
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			return
		}
		if !errors.As(err, &fallback) || fallback.Asked != "cuda" {
			t.Fatalf("%s: %v", path, err)
		}
		for _, word := range judged {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v does not say %q", path, err, word)
			}
		}
		if err := placement.Judge("cpu"); err != nil {
			t.Errorf("%s: %v though the CPU was asked for", path, err)
		}
	}
	f("testdata/cpu.json", "cpu", "1 Conv", "1 Gemm")
	f("testdata/cuda.json", "cuda")
	f("testdata/mixed.json", "cuda", "1 Conv")
	f("testdata/tensorrt.json", "tensorrt")
	if work := parseFile(t, "testdata/cuda.json")["cuda"]["Conv"]; work != (Work{Nodes: 2, Runs: 3, Time: 66830 * time.Microsecond}) {
		t.Errorf("convolutions %v", work)
	}
}

func TestHeavyOperators(t *testing.T) {
	for _, name := range strings.Fields(`Conv ConvTranspose ConvInteger QLinearConv FusedConv NhwcConv NhwcFusedConv MatMul
		MatMulInteger MatMulNBits QLinearMatMul FusedMatMul DynamicQuantizeMatMul TransposeMatMul Gemm FusedGemm QGemm
		Attention QAttention MultiHeadAttention GroupQueryAttention PackedAttention LongformerAttention Einsum LSTM GRU`) {
		if !heavy(name) {
			t.Errorf("%s is not judged", name)
		}
	}
	for _, name := range strings.Fields("Shape Gather Concat Cast Reshape Add LayerNormalization Softmax Relu") {
		if heavy(name) {
			t.Errorf("%s is judged", name)
		}
	}
}

func TestWrongProfiles(t *testing.T) {
	f := func(want, profile string) {
		t.Helper()
		if _, err := ParseProfile(strings.NewReader(profile)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("not a list", "")
	f("not a list", "{}")
	f("no node that ran", "[]")
	f("no node that ran", `[{"cat":"Session","name":"model_run","dur":1,"args":{}}]`)
	f("read profile", `[{"cat":"Node"`)
	f("read profile", `[{"cat":"Node","name":"a_kernel_time","dur":1,"args":{"provider":"CPUExecutionProvider","op_name":"Add"}}`)
	f("read profile", `[1]`)
}

func TestHugeProfile(t *testing.T) {
	profile := "[" + strings.Repeat(`{"cat":"Session","name":"x"},`, 100) + `{"cat":"Node","name":"a_kernel_time","args":{"provider":"CPUExecutionProvider"}}]`
	if _, err := ParseProfile(strings.NewReader(profile)); err != nil {
		t.Error(err)
	}
	limited := &io.LimitedReader{R: strings.NewReader(profile), N: int64(len(profile)) - 1}
	if _, err := parseProfile(limited); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("error %v", err)
	}
}

func FuzzProfile(f *testing.F) {
	for _, name := range []string{"cpu", "cuda", "mixed", "tensorrt"} {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		placement, err := ParseProfile(bytes.NewReader(data))
		if err != nil {
			return
		}
		if placement.Provider() == "" {
			t.Errorf("ran nowhere: %v", placement)
		}
		for _, operators := range placement {
			for operator, work := range operators {
				if work.Nodes < 1 || work.Runs < work.Nodes {
					t.Errorf("%s: %+v", operator, work)
				}
			}
		}
		_ = placement.Judge("cuda")
	})
}
