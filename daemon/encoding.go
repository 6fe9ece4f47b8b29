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
	decoder  host.Command
	encoder  host.Command
	host     *host.EncoderHost
	pipeline atomic.Pointer[ingest.Pipeline]             // nil until the encoder has described itself
	about    atomic.Pointer[contract.EncoderDescription] // likewise
	problem  atomic.Pointer[string]                      // why the encoder is not used; nil where it is
}

func newEncoding(d *daemon) (*encoding, error) {
	runtimeFolder, err := pluginRuntime(d.Config.State)
	if err != nil {
		return nil, err
	}
	e := &encoding{daemon: d}
	if e.decoder, err = decoderCommand(d, runtimeFolder); err != nil {
		return nil, err
	}
	if e.encoder, err = encoderCommand(d, runtimeFolder); err != nil {
		return nil, err
	}
	e.host = host.NewEncoder(e.encoder, host.Policy{CallTimeout: d.Config.Encoder.Timeout.Duration}, d.Log)
	return e, nil
}

// pluginRuntime gives the private folder for the plugins' sockets, without
// what a killed daemon left there.
func pluginRuntime(state string) (string, error) {
	folder, err := filepath.Abs(filepath.Join(state, "plugins"))
	if err != nil {
		return "", err
	}
	if len(folder) > longestRuntime {
		folder = filepath.Join(os.TempDir(), fmt.Sprintf("vsed-plugins-%d", os.Getpid()))
	}
	if err := os.RemoveAll(folder); err != nil {
		return "", fmt.Errorf("clear the folder for the plugins' sockets: %w", err)
	}
	return folder, nil
}

func decoderCommand(d *daemon, runtimeFolder string) (command host.Command, err error) {
	command = host.Command{Kind: host.Decoder, Name: "decoder", Path: d.Config.Decoder.Plugin, RuntimeDir: runtimeFolder}
	if command.Path == "" {
		command.Path, err = besides("vsed-decoder-vips")
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
	pipeline := ingest.New(e.daemon.catalogue, decoders, e.host, description, e.daemon.thumbnails, e.daemon.Log)
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

// try encodes a grey picture and a word before the first photo: the host
// refuses constants that are no vectors, and an encoder that fails on these is
// at fault itself. Photos then wait, instead of being set aside one by one.
func (e *encoding) try(ctx context.Context) (*contract.EncoderDescription, error) {
	description, err := e.host.Describe(ctx)
	if err != nil {
		return nil, err
	}
	grey := bytes.Repeat([]byte{128}, int(description.Picture.Width*description.Picture.Height*3))
	if _, err := e.host.EncodePictures(ctx, [][]byte{grey}); err != nil {
		return nil, err
	}
	if _, err := e.host.EncodeTexts(ctx, []string{"photo"}); err != nil {
		return nil, err
	}
	return description, nil
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
		command := e.decoder
		command.Name = fmt.Sprintf("decoder %d", i+1)
		decoders[i] = host.NewDecoder(command, host.Policy{CallTimeout: e.daemon.Config.Decoder.Timeout.Duration}, e.daemon.Log)
	}
	return decoders
}
