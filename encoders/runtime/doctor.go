package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"slices"
	"strings"
)

// Report is what was found for running models on this machine, for a person who
// asks why there is no GPU.
type Report struct {
	Platform  string         `json:"platform"` // "jetpack 6", "jetpack 7", "x86", "arm64", …
	Release   string         `json:"release,omitempty"`
	Library   LibraryReport  `json:"library"`
	Driver    string         `json:"driver,omitempty"` // the GPU driver's version
	Devices   []string       `json:"devices"`          // of NVIDIA's, in /dev, in WSL the one that stands for them; without a driver on the PCI bus
	GPUs      []GPU          `json:"gpus"`
	Libraries []SharedReport `json:"libraries"`
	Providers []string       `json:"providers"` // that can be used, best first
	Problems  []string       `json:"problems"`
	Remedy    string         `json:"remedy,omitempty"` // how to get what is missing
}

// LibraryReport is ONNX Runtime's own library.
type LibraryReport struct {
	Path       string   `json:"path,omitempty"`
	Version    string   `json:"version,omitempty"`
	APIVersion int      `json:"api_version,omitempty"`
	Providers  []string `json:"providers"` // built in, whether or not they work
}

// SharedReport is a library that a provider needs.
type SharedReport struct {
	Name    string `json:"name"`              // "TensorRT", "cuDNN", "CUDA runtime", …
	File    string `json:"file,omitempty"`    // as the loader finds it; "" if it does not
	Version string `json:"version,omitempty"` // "" where the library does not tell
}

// The libraries of NVIDIA's that providers need, newest first.
var (
	tensorRTLibraries = []string{"libnvinfer.so.11", "libnvinfer.so.10", "libnvinfer.so.8"}
	cuDNNLibraries    = []string{"libcudnn.so.9", "libcudnn.so.8"}
	runtimeLibraries  = []string{"libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0"}
	driverLibraries   = []string{"libcuda.so.1"}
)

// Examine looks at this machine; candidates are those of Load. What is missing is
// in the report, not an error. It loads what it finds into this process, the CUDA
// driver among them, which replaces Go's signal handlers: end the process soon.
func Examine(candidates []string) *Report {
	report := examineFiles("/")
	library, err := Load(candidates)
	if err != nil {
		report.Problems = append(report.Problems, err.Error())
	} else {
		report.Library = LibraryReport{library.Path, library.Version, library.APIVersion(), library.Providers()}
	}
	report.findLibraries()
	if report.GPUs, err = GPUs(); err != nil {
		report.Problems = append(report.Problems, err.Error())
	}
	report.tryProviders(library)
	if !slices.Contains(report.Providers, "tensorrt") && report.hasGPU() {
		report.Remedy = remedy(report.Platform)
	}
	return report
}

// HasGPU reports whether this machine shows any sign of an NVIDIA GPU; it loads
// nothing.
func HasGPU() bool { return examineFiles("/").hasGPU() }

// hasGPU reports whether there is any sign of an NVIDIA GPU.
func (r *Report) hasGPU() bool { return len(r.GPUs) > 0 || len(r.Devices) > 0 || r.Driver != "" }

func (r *Report) findLibraries() {
	version := func(string) string { return "" }
	for _, each := range []struct {
		name    string
		files   []string
		version func(string) string
	}{
		{"TensorRT", tensorRTLibraries, tensorRTVersion},
		{"cuDNN", cuDNNLibraries, cuDNNVersion},
		{"CUDA runtime", runtimeLibraries, version},
		{"CUDA driver", driverLibraries, version},
	} {
		found := SharedReport{Name: each.name}
		if i := slices.IndexFunc(each.files, loadable); i >= 0 {
			found.File = each.files[i]
			found.Version = each.version(found.File)
		}
		r.Libraries = append(r.Libraries, found)
	}
}

// tryProviders starts each provider as a session would, without a model.
func (r *Report) tryProviders(library *Library) {
	if library == nil {
		return
	}
	for _, provider := range []Provider{TensorRT{}, CUDA{}, CPU{}} {
		settings, err := library.settings(Options{Providers: []Provider{provider}}, "")
		if err != nil {
			r.Problems = append(r.Problems, err.Error())
			continue
		}
		_ = settings.Destroy()
		r.Providers = append(r.Providers, provider.Name())
	}
}

// examineFiles reads what the system says of itself under a root folder.
func examineFiles(root string) *Report {
	report := &Report{Platform: machinePlatform(root), Release: jetsonLinux(root), Driver: driverVersion(root)}
	for _, pattern := range []string{"dev/nvidia[0-9]*", "dev/nvidiactl", "dev/nvhost-gpu", "dev/nvgpu", "dev/dxg"} {
		found, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, path := range found {
			relative, err := filepath.Rel(root, path)
			if err == nil {
				report.Devices = append(report.Devices, "/"+relative)
			}
		}
	}
	if !report.hasGPU() {
		report.Devices = withoutDriver(root)
	}
	return report
}

// withoutDriver lists NVIDIA's display controllers on the PCI bus.
func withoutDriver(root string) (devices []string) {
	const nvidia, display = "0x10de", "0x03"
	found, _ := filepath.Glob(filepath.Join(root, "sys/bus/pci/devices/*/vendor"))
	for _, vendor := range found {
		maker, err := os.ReadFile(vendor)
		class, failed := os.ReadFile(filepath.Join(filepath.Dir(vendor), "class"))
		if err == nil && failed == nil && strings.TrimSpace(string(maker)) == nvidia && strings.HasPrefix(string(class), display) {
			devices = append(devices, "PCI "+filepath.Base(filepath.Dir(vendor))+", without a driver")
		}
	}
	return devices
}

// jetsonLinux is the release of Jetson Linux, such as "R36.4.3"; "" elsewhere.
func jetsonLinux(root string) string {
	text, err := os.ReadFile(filepath.Join(root, "etc/nv_tegra_release"))
	if err != nil {
		return ""
	}
	parts := jetsonRelease.FindSubmatch(text)
	if parts == nil {
		return ""
	}
	return fmt.Sprintf("R%s.%s", parts[1], parts[2])
}

var jetsonRelease = regexp.MustCompile(`(?m)^# R(\d+) \(release\), REVISION: ([\d.]+)`)

// driverVersion is the version of the NVIDIA driver, on a Jetson without one of
// its own that of Jetson Linux; "" without a driver.
func driverVersion(root string) string {
	text, err := os.ReadFile(filepath.Join(root, "proc/driver/nvidia/version"))
	if parts := kernelModule.FindSubmatch(text); err == nil && parts != nil {
		return string(parts[1])
	}
	return jetsonLinux(root)
}

var kernelModule = regexp.MustCompile(`Kernel Module\s+(?:for \S+\s+)?(\d+\.[\d.]+)`)

// machinePlatform names the kind of machine as the remedies do.
func machinePlatform(root string) string {
	release, _, _ := strings.Cut(jetsonLinux(root), ".")
	switch release {
	case "":
	case "R36":
		return "jetpack 6"
	case "R38", "R39":
		return "jetpack 7"
	default:
		return "jetson " + release
	}
	if goruntime.GOARCH == "amd64" {
		return "x86"
	}
	return goruntime.GOARCH
}
