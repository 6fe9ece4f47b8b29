package encoder

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"vsed/encoders/runtime"
)

// Options say how an encoder runs. The zero value runs on one thread of the CPU.
type Options struct {
	// Providers to run on, best first, by their names; none means the CPU.
	Providers []string
	// AllowCPUFallback lets the CPU take over what a GPU was asked for and cannot do.
	AllowCPUFallback bool
	// Threads of one run on the CPU; 0 means 1.
	Threads int
	// Cache is a folder for TensorRT's engines; without one it is not used.
	Cache string
	// IdleUnload frees the picture graph when nothing was encoded for so long; 0:
	// never.
	IdleUnload time.Duration
	Log        *slog.Logger
}

// ParseProviders reads a list such as "tensorrt,cuda,cpu".
func ParseProviders(list string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains([]string{"tensorrt", "cuda", "cpu"}, name) {
			return nil, fmt.Errorf("provider %q is none of tensorrt, cuda and cpu", name)
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("provider %s stands twice", name)
		}
		names = append(names, name)
	}
	return names, nil
}

func (o Options) withDefaults() Options {
	if len(o.Providers) == 0 {
		o.Providers = []string{"cpu"}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// asked is the first provider that a part was asked to run on.
func (o Options) asked(p part) string {
	if p.cpuOnly {
		return "cpu"
	}
	return o.Providers[0]
}

// settings are what a session is opened with.
func (o Options) settings(providers []runtime.Provider) runtime.Options {
	return runtime.Options{Providers: providers, Threads: o.Threads, Profile: onGPU(providers)}
}

func onGPU(providers []runtime.Provider) bool {
	return len(providers) > 0 && providers[0].Name() != "cpu"
}
