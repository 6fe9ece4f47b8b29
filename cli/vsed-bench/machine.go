package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// A machine is the line that comes before the figures.
type machine struct {
	CPU       string            `json:"cpu"`
	Flags     []string          `json:"flags"` // those that matter to the kernels at work
	Cores     int               `json:"cores"`
	System    string            `json:"system"`
	Libraries map[string]string `json:"libraries"`
}

func describeMachine(ctx context.Context, o options) machine {
	m := machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Libraries: map[string]string{"go": runtime.Version()}}
	m.CPU, m.Flags = processor()
	for name, command := range map[string][]string{
		"vsed":    {o.program("vsed"), "--version"},
		"libvips": {"pkg-config", "--modversion", "vips"},
		"peers":   {o.python, "-c", "import PIL, numpy, onnxruntime as o; print(f'Pillow {PIL.__version__}, NumPy {numpy.__version__}, onnxruntime {o.__version__}')"},
	} {
		output, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
		if err != nil {
			output = []byte("not found")
		}
		m.Libraries[name] = strings.TrimSpace(string(output))
	}
	return m
}

// processor reads /proc/cpuinfo, which names things differently on Arm.
func processor() (name string, flags []string) {
	telling := []string{"avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm"}
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown", nil
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch key = strings.TrimSpace(key); {
		case name == "" && (key == "model name" || key == "CPU part"):
			name = strings.TrimSpace(value)
		case flags == nil && (key == "flags" || key == "Features"):
			flags = slices.DeleteFunc(strings.Fields(value), func(flag string) bool { return !slices.Contains(telling, flag) })
		}
	}
	return name, flags
}
