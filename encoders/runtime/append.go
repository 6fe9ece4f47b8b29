package runtime

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// appendProviders adds the providers to a session's settings, or gives the
// *ProviderError of the first that cannot be.
func (l *Library) appendProviders(options *ort.SessionOptions, providers []Provider) error {
	for _, provider := range providers {
		settings, err := provider.settings()
		if err != nil {
			return fmt.Errorf("provider %s: %w", provider.Name(), err)
		}
		if err := l.appendProvider(options, provider.Name(), settings); err != nil {
			return l.providerError(provider.Name(), err)
		}
	}
	return nil
}

// appendProvider quietens the library meanwhile, which would print in colours
// what the error says.
func (l *Library) appendProvider(options *ort.SessionOptions, name string, settings map[string]string) error {
	if name == "cpu" {
		return nil
	}
	process.Lock()
	defer process.Unlock()
	if err := ort.SetEnvironmentLogLevel(ort.LoggingLevelFatal); err != nil {
		return err
	}
	defer func() { _ = ort.SetEnvironmentLogLevel(ort.LoggingLevelError) }()
	if name == "cuda" {
		return appendCUDA(options, settings)
	}
	return appendTensorRT(options, settings)
}

func appendCUDA(options *ort.SessionOptions, settings map[string]string) error {
	provider, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer provider.Destroy()
	if err := provider.Update(settings); err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(provider)
}

func appendTensorRT(options *ort.SessionOptions, settings map[string]string) error {
	provider, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer provider.Destroy()
	if err := provider.Update(settings); err != nil {
		return err
	}
	return options.AppendExecutionProviderTensorRT(provider)
}

// providerError names what a provider lacks: its own library beside ONNX
// Runtime's, the libraries that this one needs, or what the library said.
func (l *Library) providerError(name string, cause error) *ProviderError {
	problem := &ProviderError{Provider: name, Reason: source.ReplaceAllString(oneLine(cause), "")}
	base := "libonnxruntime_providers_" + name + ".so"
	file := filepath.Join(l.folder(), base)
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		problem.Reason = base + " is not beside " + l.Path
		problem.Remedy = remedy(machinePlatform("/"))
		return problem
	}
	if problem.Missing = missingLibraries(file); len(problem.Missing) > 0 {
		problem.Reason = base + " needs " + strings.Join(problem.Missing, ", ") + ", which the system's loader does not find"
		problem.Remedy = "install " + strings.Join(products(problem.Missing), ", ")
	}
	return problem
}

// source is what ONNX Runtime puts before a message: file, line, function, code.
var source = regexp.MustCompile(`^.*\[ONNXRuntimeError\] : \d+ : \w+ : `)

// folder is where the library was loaded from; "" where that cannot be told.
func (l *Library) folder() string {
	if strings.Contains(l.Path, "/") {
		path, err := filepath.EvalSymlinks(l.Path)
		if err != nil {
			return filepath.Dir(l.Path)
		}
		return filepath.Dir(path)
	}
	return filepath.Dir(mapped("libonnxruntime.so"))
}

// mapped is the path of the first file of this process's memory whose name
// starts with a name; "" if there is none.
func mapped(name string) string {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(maps)) {
		if _, path, found := strings.Cut(strings.TrimSpace(line), "/"); found && strings.HasPrefix(filepath.Base(path), name) {
			return "/" + path
		}
	}
	return ""
}

// missingLibraries lists what a shared library needs and the loader does not find.
func missingLibraries(path string) []string {
	file, err := elf.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	needed, err := file.ImportedLibraries()
	if err != nil {
		return nil
	}
	var missing []string
	for _, name := range needed {
		if !loadable(name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// explain turns the library's refusal of a model into an error that says whose
// fault it is. The path is left out of the words that tell, whatever it is called.
func (l *Library) explain(err error, path string, read *model, providers []Provider) error {
	text := oneLine(err)
	words := strings.ReplaceAll(text, path, "")
	if domain, found := strings.CutPrefix(opsetLimit.FindString(words), "support for domain "); found {
		domain = strings.TrimSuffix(domain, " is till opset")
		if domain == "ai.onnx" {
			domain = ""
		}
		return &OpsetError{Domain: domain, Opset: read.opsets[domain], Version: l.Version}
	}
	for _, provider := range providers {
		if pattern := complaint[provider.Name()]; pattern != nil && pattern.MatchString(words) {
			return l.providerError(provider.Name(), err)
		}
	}
	return errors.New(text)
}

// opsetLimit is what ONNX Runtime says of an opset that is newer than itself.
var opsetLimit = regexp.MustCompile(`support for domain \S+ is till opset`)

// complaint tells by its words whose error one is.
var complaint = map[string]*regexp.Regexp{
	"tensorrt": regexp.MustCompile(`(?i)tensorrt|nvinfer`),
	"cuda":     regexp.MustCompile(`(?i)cuda|cudnn|cublas|curand|cufft|nvrtc`),
}
