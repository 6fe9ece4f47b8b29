package encoder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// loader opens a bundle's graphs on the providers that were asked for.
type loader struct {
	bundle  *bundle.Bundle
	library *runtime.Library
	options Options
	engines *engines
}

func newLoader(b *bundle.Bundle, library *runtime.Library, options Options) *loader {
	options = options.withDefaults()
	return &loader{bundle: b, library: library, options: options, engines: newEngines(b, library, options.Cache)}
}

// part is one of an encoder's graphs.
type part struct {
	name    string // "picture" or "text"
	folder  string // "": the bundle's
	graph   bundle.Graph
	output  string
	cpuOnly bool
	shape   func(runtime.Port) runtime.ShapeRange // of a dynamic input
	check   func(*graph) error                    // compares the graph with the manifest
	try     func(context.Context, *graph) error   // runs it once
}

// opened is a part that runs: reopen loads the same again after it was closed.
type opened struct {
	graph  *graph
	about  *contract.Session
	reopen func() (*graph, error)
}

// open loads a graph, runs it once and says what it really runs on.
func (l *loader) open(ctx context.Context, p part) (*opened, error) {
	about := &contract.Session{Name: p.name, AskedProvider: l.options.asked(p), Provider: "cpu", Precision: l.bundle.Precision}
	files, err := l.files(p)
	if err != nil {
		return nil, err
	}
	providers, reasons, err := l.providers(p)
	if err != nil {
		return nil, err
	}
	session, refused, err := l.library.OpenAny(l.path(p), l.options.settings(providers))
	if err != nil {
		return nil, setup(err)
	}
	for _, problem := range refused {
		reasons = append(reasons, problem.Error())
		providers = slices.DeleteFunc(providers, func(each runtime.Provider) bool { return each.Name() == problem.Provider })
	}
	loaded, err := l.tryOut(ctx, session, p)
	if err == nil {
		err = l.judge(session, providers, about, reasons)
	}
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return &opened{loaded, about, func() (*graph, error) { return l.reopen(p, providers, files) }}, nil
}

// reopen uses what was found to run before: an engine that was built since may
// give vectors that nobody has judged. Files that an upgrade has replaced since give
// vectors of another space.
func (l *loader) reopen(p part, providers []runtime.Provider, before []os.FileInfo) (*graph, error) {
	now, err := l.files(p)
	if err != nil || !slices.EqualFunc(now, before, sameFile) {
		return nil, sdk.Setup("the files of the encoder %s were changed while it ran; restart vsed", l.bundle.Name)
	}
	session, err := l.library.Open(l.path(p), runtime.Options{Providers: providers, Threads: l.options.Threads})
	if err != nil {
		return nil, setup(err)
	}
	return newGraph(session, p.output)
}

// files are those of a part's graph, as they are on the disk now.
func (l *loader) files(p part) (list []os.FileInfo, err error) {
	for _, name := range append([]string{p.graph.File}, p.graph.Weights...) {
		info, err := os.Stat(l.in(p, name))
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (l *loader) path(p part) string { return l.in(p, p.graph.File) }

func (l *loader) in(p part, file string) string {
	if p.folder != "" {
		return filepath.Join(p.folder, filepath.FromSlash(file))
	}
	return l.bundle.Path(file)
}

// setup marks errors that calling again will not mend.
func setup(err error) error {
	var opset *runtime.OpsetError
	if errors.As(err, &opset) {
		return sdk.Setup("%w", err)
	}
	return err
}

// providers are those to open a part with, and why better ones have to wait.
func (l *loader) providers(p part) (providers []runtime.Provider, waiting []string, err error) {
	if p.cpuOnly {
		return nil, nil, nil
	}
	for _, name := range l.options.Providers {
		switch name {
		case "cuda":
			providers = append(providers, runtime.CUDA{})
		case "cpu":
			providers = append(providers, runtime.CPU{})
		case "tensorrt":
			provider, reason, err := l.engines.provider(p, l.path(p))
			if err != nil {
				return nil, nil, err
			}
			if reason != "" {
				waiting = append(waiting, reason)
				continue
			}
			providers = append(providers, provider)
		}
	}
	return providers, waiting, nil
}

func (l *loader) tryOut(ctx context.Context, session *runtime.Session, p part) (*graph, error) {
	loaded, err := newGraph(session, p.output)
	if err == nil {
		err = p.check(loaded)
	}
	if err == nil {
		err = p.try(ctx, loaded)
	}
	return loaded, err
}

// judge fills in what a session ran on and refuses one that fell back to the CPU
// where that was not allowed. Naming the CPU among the providers allows it to
// stand in for a whole graph, not for the heavy part of one.
func (l *loader) judge(session *runtime.Session, providers []runtime.Provider, about *contract.Session, reasons []string) error {
	var fallback error
	if onGPU(providers) {
		placement, err := session.Placement()
		if err != nil {
			return err
		}
		about.Provider = placement.Provider()
		if engine, ok := providers[0].(runtime.TensorRT); ok && engine.Half && about.Provider == "tensorrt" {
			about.Precision = "float16"
		}
		fallback = placement.Judge(providers[0].Name())
	} else if about.AskedProvider != "cpu" && !slices.Contains(l.options.Providers, "cpu") {
		fallback = errors.New("no provider that was asked for can run")
	}
	if fallback != nil && !l.options.AllowCPUFallback {
		return sdk.Setup("the %s graph: %s; allow the CPU to take over, or name it among the providers", about.Name,
			strings.Join(append([]string{fallback.Error()}, reasons...), "; "))
	}
	if fallback != nil {
		reasons = append(reasons, fallback.Error())
	}
	if about.Provider != about.AskedProvider || fallback != nil {
		about.Fallback = oneLine(strings.Join(reasons, "; "))
	}
	return nil
}

// lineLimit is what a description's line may have, in bytes; the host takes 256.
const lineLimit = 250

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > lineLimit {
		return strings.ToValidUTF8(text[:lineLimit], "") + "…"
	}
	return text
}

// openSmall loads a graph that always runs on the CPU.
func (l *loader) openSmall(file string) (*graph, error) {
	session, err := l.library.Open(l.bundle.Path(file), runtime.Options{Threads: l.options.Threads})
	if err != nil {
		return nil, setup(err)
	}
	loaded, err := newGraph(session, "")
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return loaded, nil
}

// preparation says what a preparation could make faster, or "".
func (l *loader) preparation() string { return l.engines.wanted() }
