package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"vsed/daemon/ingest"
	"vsed/daemon/search"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	// describePause is the wait between tries to start the encoder.
	describePause = 5 * time.Second
	// longestRuntime is the longest folder for the plugins' sockets: the name of
	// a unix socket holds 107 bytes.
	longestRuntime = 67
	// bundlePath is where packages put the built-in encoder.
	bundlePath = "/usr/share/vsed/encoders/builtin"
)

// encoding is the life of the encoder and of the pipeline that it feeds.
type encoding struct {
	daemon   *daemon
	runtime  string // folder of the plugins' sockets
	decoder  host.Command
	encoder  host.Command
	host     *host.EncoderHost
	onDemand *host.DecoderHost                           // for what a client waits for; not started before
	pipeline atomic.Pointer[ingest.Pipeline]             // nil until the encoder has described itself
	about    atomic.Pointer[contract.EncoderDescription] // likewise
	decoding atomic.Pointer[contract.DecoderDescription] // nil until a decoder has started
	problem  atomic.Pointer[string]                      // why the encoder is not used; nil where it is
}

func newEncoding(d *daemon) (*encoding, error) {
	runtimeFolder, err := pluginRuntime(d.Config.State)
	if err != nil {
		return nil, err
	}
	e := &encoding{daemon: d, runtime: runtimeFolder}
	if e.decoder, err = decoderCommand(d, runtimeFolder); err != nil {
		return nil, err
	}
	if e.encoder, err = encoderCommand(d, runtimeFolder); err != nil {
		return nil, err
	}
	e.onDemand = e.newDecoder("decoder on demand")
	e.host = host.NewEncoder(e.encoder, host.Policy{CallTimeout: d.Config.Encoder.Timeout.Duration}, d.Log)
	return e, nil
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

func encoderCommand(d *daemon, runtimeFolder string) (command host.Command, err error) {
	command = host.Command{Kind: host.Encoder, Name: "encoder", Path: d.Config.Encoder.Plugin, RuntimeDir: runtimeFolder}
	if path := os.Getenv("LD_LIBRARY_PATH"); path != "" {
		command.Env = []string{"LD_LIBRARY_PATH=" + path} // where CUDA's libraries are not in the system's places
	}
	if command.Path != "" && d.Config.Encoder.Bundle == "" {
		return command, nil // another's encoder, which brings its own model
	}
	if command.Path == "" {
		if command.Path, err = besides("vsed-encoder-onnx"); err != nil {
			return command, err
		}
	}
	bundle := d.Config.Encoder.Bundle
	if bundle == "" {
		if bundle, err = builtinBundle(); err != nil {
			return command, err
		}
	}
	command.Args = []string{"--bundle", bundle}
	if library := d.Config.Encoder.ONNXRuntimeLibrary; library != "" {
		command.Args = append(command.Args, "--library", library)
	}
	return command, nil
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

// run starts the encoder, as often as it takes, and then encodes. Search by
// words and the API go on meanwhile.
func (e *encoding) run(ctx context.Context) (err error) {
	defer closing(&err, func() error { return os.RemoveAll(e.runtime) })
	defer closing(&err, e.onDemand.Close)
	defer closing(&err, e.host.Close)
	description, err := e.describe(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	if err := e.useSpace(ctx, description); err != nil {
		return err
	}
	decoders := e.startDecoders()
	defer func() {
		for _, decoder := range decoders {
			err = errors.Join(err, decoder.Close())
		}
	}()
	if err := e.retryAfterUpgrade(ctx, decoders[0]); err != nil {
		return err
	}
	pipeline := ingest.New(ingest.Parts{
		Catalogue: e.daemon.catalogue, Folders: e.daemon.keeper, Decoders: decoders, Encoder: e.host, Description: description,
		Check: e.check, Thumbnails: e.daemon.thumbnails, Log: e.daemon.Log,
	})
	e.pipeline.Store(pipeline)
	return pipeline.Run(ctx)
}

// describe waits for an encoder that starts and gives sane answers.
func (e *encoding) describe(ctx context.Context) (*contract.EncoderDescription, error) {
	for {
		description, err := e.try(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			e.problem.Store(nil)
			return description, nil
		}
		line := err.Error()
		if said := e.problem.Swap(&line); said == nil || *said != line {
			e.daemon.Log.Error("photos wait: the encoder does not work; trying again", "error", err, "pause", describePause)
		}
		select {
		case <-time.After(describePause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try starts the encoder and checks it.
func (e *encoding) try(ctx context.Context) (*contract.EncoderDescription, error) {
	description, err := e.host.Describe(ctx)
	if err != nil {
		return nil, err
	}
	return description, e.check(ctx)
}

// check encodes a grey picture and a word: the host refuses what is no vector,
// and an encoder that fails on these is at fault itself. Photos then wait,
// instead of being set aside one by one.
func (e *encoding) check(ctx context.Context) error {
	description, err := e.host.Describe(ctx)
	if err != nil {
		return err
	}
	grey := bytes.Repeat([]byte{128}, int(description.Picture.Width*description.Picture.Height*3))
	if _, err := e.host.EncodePictures(ctx, [][]byte{grey}); err != nil {
		return err
	}
	_, err = e.host.EncodeTexts(ctx, []string{"photo"})
	return err
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

func (e *encoding) useSpace(ctx context.Context, description *contract.EncoderDescription) error {
	if err := e.daemon.catalogue.UseSpace(ctx, description.Space); err != nil {
		return err
	}
	e.daemon.engine.UseSpace(search.Space{Dimensions: int(description.Dimensions), MatchFloor: description.MatchFloor, Encoder: e.host})
	e.about.Store(description)
	e.daemon.Log.Info("the encoder is ready", "name", description.Name, "space", description.Space, "provider", description.Provider)
	return nil
}

func (e *encoding) startDecoders() []*host.DecoderHost {
	count := e.daemon.Config.Decoder.Processes
	if count == 0 {
		count = runtime.NumCPU()
	}
	decoders := make([]*host.DecoderHost, count)
	for i := range decoders {
		decoders[i] = e.newDecoder(fmt.Sprintf("decoder %d", i+1))
	}
	return decoders
}

func (e *encoding) newDecoder(name string) *host.DecoderHost {
	command := e.decoder
	command.Name = name
	return host.NewDecoder(command, host.Policy{CallTimeout: e.daemon.Config.Decoder.Timeout.Duration}, e.daemon.Log)
}
