package daemon

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/config"
	"vsed/daemon/encoder"
	"vsed/daemon/ingest"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	// longestRuntime is the longest folder for the plugins' sockets: the name of
	// a unix socket holds 107 bytes.
	longestRuntime = 67
	// ingestNicer is how much decoders give way to queries on the CPU, as much as
	// vsed-encoder-onnx lets its pictures.
	ingestNicer = 10
	// bundlePath is where packages put the built-in encoder.
	bundlePath = "/usr/share/vsed/encoders/builtin"
)

// encoding is what plugins do for the daemon: the decoders, the encoders and the
// ingest that feeds both.
type encoding struct {
	daemon   *daemon
	runtime  string // folder of the plugins' sockets
	decoder  host.Command
	encoders *encoder.Manager
	onDemand *host.DecoderHost                           // for what a client waits for; not started before
	pipeline atomic.Pointer[ingest.Pipeline]             // nil until an encoder works
	decoding atomic.Pointer[contract.DecoderDescription] // nil until a decoder has started
}

func newEncoding(ctx context.Context, d *daemon) (*encoding, error) {
	runtimeFolder, err := pluginRuntime(d.Config.State)
	if err != nil {
		return nil, err
	}
	e := &encoding{daemon: d, runtime: runtimeFolder}
	if e.decoder, err = decoderCommand(d, runtimeFolder); err != nil {
		return nil, err
	}
	shelf, err := encoderShelf(d, runtimeFolder)
	if err != nil {
		return nil, err
	}
	e.onDemand = e.newDecoder("decoder on demand", 0)
	e.encoders, err = encoder.New(ctx, encoder.Parts{
		Catalogue: d.catalogue, Engine: d.engine, Shelf: shelf, State: d.Config.State,
		Policy: host.Policy{CallTimeout: d.Config.Encoder.Timeout.Duration},
		Keep:   d.Config.Encoder.Keep, Memory: memoryLimit(d.Config.Memory.Limit.Bytes),
		Ingest: e.ingest, Log: d.Log,
	})
	return e, err
}

// memoryLimit gives the bytes that encoders may take: three eighths of the
// machine's memory where nothing is configured, 1.5 GB of 4. The decoders, the
// indexes and whatever else the machine is for have the rest.
func memoryLimit(configured int64) uint64 {
	if configured > 0 {
		return uint64(configured)
	}
	var machine unix.Sysinfo_t
	if err := unix.Sysinfo(&machine); err != nil {
		return 0
	}
	return machine.Totalram * uint64(machine.Unit) / 8 * 3
}

// pluginRuntime gives the private folder for the plugins' sockets, without
// what a killed daemon left there. One outside of the state folder is made
// under a name that nobody can take before, and removed at the end.
func pluginRuntime(state string) (string, error) {
	folder := filepath.Join(state, "plugins")
	if len(folder) > longestRuntime {
		return os.MkdirTemp("", "vsed-*")
	}
	if err := os.RemoveAll(folder); err != nil {
		return "", fmt.Errorf("clear the folder for the plugins' sockets: %w", err)
	}
	return folder, nil
}

func decoderCommand(d *daemon, runtimeFolder string) (command host.Command, err error) {
	command = host.Command{Kind: host.Decoder, Name: "decoder", Path: d.Config.Decoder.Plugin, RuntimeDir: runtimeFolder}
	if command.Path != "" {
		return command, nil // another's decoder, with limits of its own
	}
	command.Path, err = besides("vsed-decoder-vips")
	limits := d.Config.Decoder
	command.Args = []string{
		fmt.Sprintf("--max-megapixels=%d", limits.MaxMegapixels), fmt.Sprintf("--max-memory=%d", limits.MaxMemory.Bytes),
		fmt.Sprintf("--recycle-photos=%d", limits.RecyclePhotos), fmt.Sprintf("--recycle-memory=%d", limits.RecycleMemory.Bytes),
		fmt.Sprintf("--require-sandbox=%t", limits.RequireSandbox),
	}
	return command, err
}

// encoderShelf knows the built-in encoder, or the one that the configuration
// puts in its place, and those in the state folder.
func encoderShelf(d *daemon, runtimeFolder string) (shelf encoder.Shelf, err error) {
	onnx, err := besides("vsed-encoder-onnx")
	if err != nil {
		return shelf, err
	}
	settings := d.Config.Encoder
	shelf.Folder = filepath.Join(d.Config.State, "encoders")
	shelf.Caches = filepath.Join(d.Config.State, "engines")
	plugin := cmp.Or(settings.Plugin, onnx)
	shelf.Command = func(bundle, cache string) host.Command {
		return encoderCommand(settings, runtimeFolder, plugin, bundle, cache)
	}
	bundle := settings.Bundle
	if bundle == "" && settings.Plugin == "" {
		if bundle, err = builtinBundle(); err != nil {
			return shelf, err
		}
		shelf.Kept = filepath.Join(shelf.Folder, ".builtin") // no encoder can have this name
	}
	cache := filepath.Join(shelf.Caches, encoder.Default)
	shelf.Default = encoder.Installed{Name: encoder.Default, Folder: bundle, Cache: cache, Fixed: true, Command: shelf.Command(bundle, cache)}
	return shelf, nil
}

// encoderCommand starts a plugin on a bundle; without one the plugin brings its
// own model. Another's plugin is told of the bundle and of a folder for what it
// prepares; the settings are those of vsed-encoder-onnx.
func encoderCommand(settings config.Encoder, runtimeFolder, plugin, bundle, cache string) host.Command {
	command := host.Command{Kind: host.Encoder, Name: "encoder", Path: plugin, RuntimeDir: runtimeFolder}
	if path := os.Getenv("LD_LIBRARY_PATH"); path != "" {
		command.Env = []string{"LD_LIBRARY_PATH=" + path} // where CUDA's libraries are not in the system's places
	}
	if bundle != "" {
		command.Args = []string{"--bundle", bundle}
	}
	if settings.Plugin != "" {
		command.Env = append(command.Env, "VSED_CACHE="+cache)
		return command
	}
	if library := settings.ONNXRuntimeLibrary; library != "" {
		command.Args = append(command.Args, "--library", library)
	}
	command.Args = append(command.Args, "--cache", cache, "--idle-unload", settings.IdleUnload.Duration.String(),
		fmt.Sprintf("--allow-cpu-fallback=%t", settings.AllowCPUFallback))
	if len(settings.Providers) > 0 {
		command.Args = append(command.Args, "--providers", strings.Join(settings.Providers, ","))
	}
	return command
}

// builtinBundle finds the model beside a build, else where packages put it.
func builtinBundle() (string, error) {
	built, err := besides("../build/encoders/builtin")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(built); err == nil {
		return built, nil
	}
	return bundlePath, nil
}

// run keeps an encoder running, as often as it takes, and encodes. Search by
// words and the API go on meanwhile.
func (e *encoding) run(ctx context.Context) (err error) {
	defer closing(&err, func() error { return os.RemoveAll(e.runtime) })
	defer closing(&err, e.onDemand.Close)
	return e.encoders.Run(ctx)
}

// ingest decodes and encodes for the targets until the context ends.
func (e *encoding) ingest(ctx context.Context, targets []ingest.Target) (err error) {
	decoders := e.startDecoders()
	defer closing(&err, func() error { return closeAll(decoders) })
	if err := e.retryAfterUpgrade(ctx, decoders[0]); err != nil {
		return err
	}
	pipeline := ingest.New(ingest.Parts{
		Catalogue: e.daemon.catalogue, Folders: e.daemon.keeper, Decoders: decoders, Targets: targets,
		Thumbnails: e.daemon.thumbnails, Log: e.daemon.Log,
	})
	e.pipeline.Store(pipeline)
	return pipeline.Run(ctx)
}

// closeAll ends decoders side by side: one that hangs takes its time.
func closeAll(decoders []*host.DecoderHost) error {
	var group errgroup.Group
	for _, decoder := range decoders {
		group.Go(decoder.Close)
	}
	return group.Wait()
}

// retryAfterUpgrade takes all files out of quarantine when another decoder or
// vsed runs than the one that put them there: it may read them.
func (e *encoding) retryAfterUpgrade(ctx context.Context, decoder *host.DecoderHost) error {
	description, err := decoder.Describe(ctx)
	if err != nil {
		return nil // ingest meets the same error, and waits for a decoder
	}
	e.decoding.Store(description)
	const setting = "decoder"
	now := fmt.Sprintf("%s %s %v, vsed %s", description.Name, description.Version, description.Formats, e.daemon.Version)
	before, err := e.daemon.catalogue.Setting(ctx, setting)
	if err != nil || before == now {
		return err
	}
	if _, err := e.daemon.catalogue.RetryQuarantined(ctx, nil); err != nil {
		return err
	}
	return e.daemon.catalogue.SetSetting(ctx, setting, now)
}

func (e *encoding) startDecoders() []*host.DecoderHost {
	count := e.daemon.Config.Decoder.Processes
	if count == 0 {
		count = runtime.NumCPU()
	}
	decoders := make([]*host.DecoderHost, count)
	for i := range decoders {
		decoders[i] = e.newDecoder(fmt.Sprintf("decoder %d", i+1), ingestNicer)
	}
	return decoders
}

func (e *encoding) newDecoder(name string, nicer int) *host.DecoderHost {
	command := e.decoder
	command.Name, command.Nicer = name, nicer
	return host.NewDecoder(command, host.Policy{CallTimeout: e.daemon.Config.Decoder.Timeout.Duration}, e.daemon.Log)
}
