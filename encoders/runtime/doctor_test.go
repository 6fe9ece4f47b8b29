package runtime

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree writes files below a root.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestMachines(t *testing.T) {
	f := func(files map[string]string, platform, release, driver string, devices ...string) {
		t.Helper()
		got := examineFiles(tree(t, files))
		if got.Platform != platform || got.Release != release || got.Driver != driver || !slices.Equal(got.Devices, devices) {
			t.Errorf("found %+v", got)
		}
	}
	here := machinePlatform(t.TempDir())
	const jetson = "etc/nv_tegra_release"
	const kernel = "proc/driver/nvidia/version"
	f(nil, here, "", "")
	f(map[string]string{jetson: "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n# KERNEL_VARIANT: oot\n", "dev/nvhost-gpu": "", "dev/nvidia0": ""},
		"jetpack 6", "R36.4.3", "R36.4.3", "/dev/nvidia0", "/dev/nvhost-gpu")
	f(map[string]string{jetson: "# R36 (release), REVISION: 4.3,", kernel: "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build\n"},
		"jetpack 6", "R36.4.3", "540.4.0")
	f(map[string]string{jetson: "# R38 (release), REVISION: 4.0,"}, "jetpack 7", "R38.4.0", "R38.4.0")
	f(map[string]string{jetson: "# R39 (release), REVISION: 2.0,"}, "jetpack 7", "R39.2.0", "R39.2.0")
	f(map[string]string{jetson: "# R35 (release), REVISION: 4.1,"}, "jetson R35", "R35.4.1", "R35.4.1")
	f(map[string]string{jetson: "nonsense", kernel: "nonsense"}, here, "", "")
	f(map[string]string{kernel: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.135  Fri Jan 10 20:00:00 UTC 2025\n", "dev/nvidia0": "", "dev/nvidiactl": ""},
		here, "", "550.135", "/dev/nvidia0", "/dev/nvidiactl")
	f(map[string]string{"dev/dxg": ""}, here, "", "", "/dev/dxg")
	const bus = "sys/bus/pci/devices/"
	f(map[string]string{bus + "0000:01:00.0/vendor": "0x10de\n", bus + "0000:01:00.0/class": "0x030000\n", bus + "0000:01:00.1/vendor": "0x10de\n",
		bus + "0000:01:00.1/class": "0x040300\n", bus + "0000:02:00.0/vendor": "0x8086\n", bus + "0000:02:00.0/class": "0x030000\n"},
		here, "", "", "PCI 0000:01:00.0, without a driver")
}

func TestRemedies(t *testing.T) {
	for _, platform := range []string{"x86", "jetpack 6", "jetpack 7", "jetson R35", "arm64"} {
		if text := remedy(platform); !strings.Contains(text, "docs/providers.md") || strings.Contains(text, "\n") {
			t.Errorf("%s: %q", platform, text)
		}
	}
}

func TestProducts(t *testing.T) {
	got := products(strings.Fields("libcublasLt.so.13 libcublas.so.13 libcurand.so.10 libcudart.so.13 libcuda.so.1 libcudnn.so.9 libnvinfer.so.10 libnvonnxparser.so.10 libodd.so.1"))
	want := []string{"CUDA 13", "CUDA's libcurand.so.10", "NVIDIA's driver", "cuDNN 9", "TensorRT 10", "libodd.so.1"}
	if !slices.Equal(got, want) {
		t.Errorf("products %q", got)
	}
}

// TestExamine runs in a process of its own, as examining loads what it finds.
func TestExamine(t *testing.T) {
	if os.Getenv("EXAMINE") != "" {
		text, err := json.Marshal(Examine([]string{os.Getenv("EXAMINE")}))
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(append(text, '\n'))
		return
	}
	examine := func(path string) (report Report) {
		t.Helper()
		command := exec.Command(os.Args[0], "-test.run=^TestExamine$")
		command.Env = append(os.Environ(), "EXAMINE="+path, "GORACE=atexit_sleep_ms=0")
		output, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(output), "\n")
		if err := json.Unmarshal([]byte(line), &report); err != nil {
			t.Fatalf("%v in %s", err, output)
		}
		return report
	}
	absent := examine("/nowhere/libonnxruntime.so.1")
	if absent.Library.Version != "" || len(absent.Providers) > 0 || len(absent.Problems) == 0 || !strings.Contains(absent.Problems[0], "/nowhere") {
		t.Errorf("without a library: %+v", absent)
	}
	library := load(t)
	found := examine(library.Path)
	if found.Library.Version != library.Version || !slices.Contains(found.Providers, "cpu") || len(found.Libraries) != 4 {
		t.Errorf("found %+v", found)
	}
	if len(found.GPUs) == 0 && (slices.Contains(found.Providers, "cuda") || len(found.Problems) == 0) {
		t.Errorf("without a GPU: %+v", found)
	}
	t.Logf("%+v", found)
}
