package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

const (
	examinerName    = "vsed-encoder-onnx"
	examinerTimeout = 2 * time.Minute
)

// DoctorOptions are those of `vsectl doctor`.
type DoctorOptions struct {
	Common
	// Examiner is the program that loads what it finds, in a process of its own.
	Examiner string
	Library  string // libonnxruntime; "" means where it is looked for
	All      bool   // tell also what only a GPU would need, where there is none
}

// A Diagnosis is what the doctor found.
type Diagnosis struct {
	Runtime Examination  `json:"runtime"`
	Daemon  DaemonReport `json:"daemon"`
}

// An Examination is what a machine has for running models, as the examiner
// prints it.
type Examination struct {
	Platform string `json:"platform"`
	Release  string `json:"release,omitempty"` // of Jetson Linux
	Library  struct {
		Path       string   `json:"path,omitempty"`
		Version    string   `json:"version,omitempty"`
		APIVersion int      `json:"api_version,omitempty"`
		Providers  []string `json:"providers"` // built in
	} `json:"library"`
	Driver  string   `json:"driver,omitempty"`
	Devices []string `json:"devices"`
	GPUs    []struct {
		Name       string `json:"name"`
		Capability string `json:"capability"`
	} `json:"gpus"`
	Libraries []struct {
		Name    string `json:"name"`
		File    string `json:"file,omitempty"` // "": not found
		Version string `json:"version,omitempty"`
	} `json:"libraries"`
	Providers []string `json:"providers"` // that work
	Problems  []string `json:"problems"`
	Remedy    string   `json:"remedy,omitempty"`
}

// A DaemonReport says whether a daemon answers, and what runs there.
type DaemonReport struct {
	Socket   string       `json:"socket"`
	Problem  string       `json:"problem,omitempty"` // why it does not answer
	Version  string       `json:"version,omitempty"`
	Encoder  *api.Encoder `json:"encoder,omitempty"`
	progress string
}

const doctorHelp = `Looks for ONNX Runtime, its providers and a GPU as an encoder does, in a
process of its own, and asks the daemon how it is. Where the daemon's
configuration names a library (encoder.onnxruntime_library), give it with
--library.`

func newDoctorCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "doctor", Usage: "say what is there for running encoders, what is missing and how to get it",
		Description: doctorHelp + "\n\n" + examples("vsectl doctor", "vsectl doctor --library ~/onnxruntime/libonnxruntime.so.1.31.1"),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "tell what a GPU would need, also where there is none", DisableDefaultText: true},
			&cli.BoolFlag{Name: "json", Usage: "print what was found as JSON", DisableDefaultText: true},
			&cli.StringFlag{Name: "library", Usage: "look at the libonnxruntime in `FILE`", EnvVars: []string{"VSED_ONNXRUNTIME"}},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("doctor takes no argument")
			}
			examiner, err := besides(examinerName)
			if err != nil {
				return err
			}
			return runDoctor(c.Context, DoctorOptions{Common: common(c), Examiner: examiner, Library: c.String("library"), All: c.Bool("all")}, out)
		},
	})
}

// besides gives the path of another of vsed's programs.
func besides(name string) (string, error) {
	executable, err := os.Executable()
	if err == nil {
		executable, err = filepath.EvalSymlinks(executable)
	}
	if err != nil {
		return "", fmt.Errorf("find the folder of this program: %w", err)
	}
	return filepath.Join(filepath.Dir(executable), name), nil
}

func runDoctor(ctx context.Context, options DoctorOptions, out Screen) error {
	examination, err := examine(ctx, options)
	if err != nil {
		return err
	}
	found := Diagnosis{Runtime: examination, Daemon: askDaemon(ctx, options.Client)}
	if options.JSON {
		err = out.json(found)
	} else {
		err = showDiagnosis(found, options.All, out)
	}
	if err == nil && examination.Library.Version == "" {
		err = errors.New("no encoder can run: ONNX Runtime was not found")
	}
	return err
}

func examine(ctx context.Context, options DoctorOptions) (found Examination, err error) {
	limited, cancel := context.WithTimeout(ctx, examinerTimeout)
	defer cancel()
	command := exec.CommandContext(limited, options.Examiner, "--doctor")
	if options.Library != "" {
		command.Args = append(command.Args, "--library", options.Library)
	}
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.Output()
	switch {
	case ctx.Err() != nil:
		return found, ctx.Err()
	case errors.Is(err, os.ErrNotExist):
		return found, fmt.Errorf("%s is not beside vsectl: `make build` makes it", options.Examiner)
	case err != nil:
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return found, fmt.Errorf("%s: %s", options.Examiner, cmp.Or(lines[len(lines)-1], err.Error()))
	}
	if err := json.Unmarshal(output, &found); err != nil {
		return found, fmt.Errorf("%s says what is not understood, is its version another? %w", options.Examiner, err)
	}
	return found, nil
}

func askDaemon(ctx context.Context, client *api.Client) DaemonReport {
	report := DaemonReport{Socket: cmp.Or(client.Socket, api.DefaultSocket)}
	status, err := client.Status(ctx)
	if err != nil {
		report.Problem = err.Error()
		return report
	}
	report.Version, report.Encoder, report.progress = status.Version, &status.Encoder, progress(status)
	return report
}

func showDiagnosis(found Diagnosis, all bool, out Screen) error {
	machine := slices.Concat(machineFields(found.Runtime), problemFields(found.Runtime))
	if !all && !found.Runtime.hasGPU() {
		machine = plainFields(found.Runtime)
	}
	return out.prose(slices.Concat(machine, daemonFields(found.Daemon)))
}

// hasGPU reports whether there is any sign of a GPU that encoders could run on.
func (e Examination) hasGPU() bool { return len(e.GPUs) > 0 || len(e.Devices) > 0 || e.Driver != "" }

// plainFields leave out what only a GPU would need.
func plainFields(e Examination) []field {
	all := []field{{"machine", e.Platform}, {"ONNX Runtime", libraryText(e)}}
	if e.Library.Version == "" {
		return append(all, problemFields(e)...) // one: it is missing
	}
	return append(all, field{"working", cmp.Or(strings.Join(e.Providers, ", "), "-")},
		field{"GPU", "none of NVIDIA's: encoders run on the CPU. `vsectl doctor --all` tells what one would need."})
}

func libraryText(e Examination) string {
	if e.Library.Version == "" {
		return "not found"
	}
	return fmt.Sprintf("%s, API %d, %s", e.Library.Version, e.Library.APIVersion, e.Library.Path)
}

func machineFields(e Examination) []field {
	all := []field{
		{"machine", strings.TrimSuffix(e.Platform+", Jetson Linux "+e.Release, ", Jetson Linux ")},
		{"ONNX Runtime", libraryText(e)},
		{"built in", cmp.Or(strings.Join(e.Library.Providers, ", "), "-")},
		{"working", cmp.Or(strings.Join(e.Providers, ", "), "-")},
	}
	for _, gpu := range e.GPUs {
		all = append(all, field{"GPU", gpu.Name + ", compute capability " + gpu.Capability})
	}
	if len(e.GPUs) == 0 {
		all = append(all, field{"GPU", cmp.Or(strings.Join(e.Devices, ", "), "none of NVIDIA's found")})
	}
	all = append(all, field{"driver", cmp.Or(e.Driver, "-")})
	for _, library := range e.Libraries {
		all = append(all, field{library.Name, cmp.Or(strings.TrimSpace(library.File+" "+library.Version), "-")})
	}
	return all
}

// problemFields tells each problem, and each way out only once.
func problemFields(e Examination) []field {
	remedies := []string{}
	var all []field
	add := func(name, text string) {
		if len(all) > 0 && name == "problem" {
			name = ""
		}
		all = append(all, field{name, text})
	}
	for _, problem := range e.Problems {
		cause, remedy, _ := strings.Cut(problem, "; ")
		add("problem", cause)
		if remedy != "" && !slices.Contains(remedies, remedy) {
			remedies = append(remedies, remedy)
		}
	}
	if e.Remedy != "" && !slices.Contains(remedies, e.Remedy) {
		remedies = append(remedies, e.Remedy)
	}
	for i, remedy := range remedies {
		add([]string{"remedy", ""}[min(i, 1)], remedy)
	}
	return all
}

func daemonFields(d DaemonReport) []field {
	if d.Problem != "" {
		return []field{{"daemon", d.Problem}}
	}
	all := []field{{"daemon", strings.TrimSpace("vsed "+d.Version) + ": " + d.progress}, {"socket", d.Socket}, {"encoder", encoder(*d.Encoder)}}
	if d.Encoder.Problem != "" {
		all = append(all, field{"", d.Encoder.Problem})
	}
	return all
}
