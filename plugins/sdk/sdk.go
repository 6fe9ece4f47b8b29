// Package sdk turns a Go type into a vsed plugin: the main of an encoder is one
// call of ServeEncoder, that of a decoder one call of ServeDecoder.
//
// The package holds what every plugin needs and none should write: handshake,
// message limits, the watch on the life pipe, receipt of descriptors, status
// codes, checks of a request against the plugin's own description, and log lines
// that the host understands. It knows no model and no image library.
//
// A panic in a call is answered with INTERNAL and its message, its stack goes to
// the log, and the plugin goes on serving: a call owns its state, and the next
// photo should not pay for this one. A plugin that keeps state between calls that
// a panic may leave broken should end itself.
package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"vsed/plugins/contract"
)

// socketBuffer and window fit a batch of pictures, as the host's do.
const (
	socketBuffer = 256 << 10
	window       = 4 << 20
)

// EncoderServer is an encoder. All methods may be called concurrently and should
// end soon after ctx does.
type EncoderServer interface {
	// Describe is called once, before anything else; its answer must not change
	// while the process lives.
	Describe(ctx context.Context) (*contract.EncoderDescription, error)
	// EncodePictures returns one embedding for each picture, in order. Every
	// picture has the length that Describe's format implies.
	EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error)
	// EncodeTexts returns one embedding for each text, in order. A text may be
	// empty or longer than the model reads; neither is an error.
	EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error)
	// Project maps features of the described length to vectors, in order. It is
	// called only where Describe names a feature type.
	Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error)
	// Golden returns inputs that the host judges the encoder by; see the contract
	// for how many of what. They must not change while the process lives.
	Golden(ctx context.Context) (*contract.GoldenResponse, error)
	// Unload frees what only EncodePictures needs; its next call loads it again.
	// Where there is nothing to free it does nothing.
	Unload(ctx context.Context) error
}

// DecoderServer is a decoder. Its calls about files come one at a time.
type DecoderServer interface {
	// Describe's answer must not change while the process lives.
	Describe(ctx context.Context) (*contract.DecoderDescription, error)
	// Confine is called once, when the plugin's socket listens and before its
	// first call: nothing has to be opened after it. It is the place for a
	// sandbox; an error ends the plugin.
	Confine() error
	// Decode reads a photo, which stands at offset 0, is open for reading only
	// and is closed by the caller. The request's ticket has been used up.
	Decode(ctx context.Context, photo *os.File, request *contract.DecodeRequest) (*contract.DecodeResponse, error)
	// ReadSidecar reads an XMP sidecar, given as a photo is.
	ReadSidecar(ctx context.Context, sidecar *os.File, request *contract.ReadSidecarRequest) (*contract.Metadata, error)
	// Retire is called after each of these two. What it returns, if not empty, is
	// why the host should replace the process, in one line.
	Retire() string
}

// ServeEncoder is the main of an encoder plugin. It loads the encoder, serves it
// until the host closes the connection or dies, and returns. Where the plugin was
// not started by vsed or newEncoder fails, one line on standard error says so and
// the process exits with status 1.
func ServeEncoder(newEncoder func(log *slog.Logger) (EncoderServer, error)) {
	log := begin()
	encoder, err := newEncoder(log)
	if err != nil {
		fail(err)
	}
	description, err := encoder.Describe(context.Background())
	if err != nil {
		fail(fmt.Errorf("describe the encoder: %w", err))
	}
	serve(contract.EncoderKind, log, func(server *grpc.Server) error {
		contract.RegisterEncoderServer(server, &encoderService{encoder: encoder, description: description})
		return nil
	})
}

// ServeDecoder is the main of a decoder plugin, as ServeEncoder is of an encoder.
func ServeDecoder(newDecoder func(log *slog.Logger) (DecoderServer, error)) {
	log := begin()
	decoder, err := newDecoder(log)
	if err != nil {
		fail(err)
	}
	inbox, err := openInbox(contract.DescriptorSocket)
	if err != nil {
		fail(err)
	}
	serve(contract.DecoderKind, log, func(server *grpc.Server) error {
		contract.RegisterDecoderServer(server, &decoderService{decoder: decoder, inbox: inbox})
		return decoder.Confine()
	})
}

// Preparation makes what a later start of the same command will use, such as an
// engine for this machine's GPU, and reports how far it is; total is 0 where it is
// not known. It may be ended at any time and must leave nothing half made behind.
type Preparation func(log *slog.Logger, report func(contract.Progress)) error

// PrepareIfAsked runs a preparation where the host started this process for one,
// and reports whether it did: the plugin then ends. It comes before ServeEncoder.
func PrepareIfAsked(prepare Preparation) bool {
	if os.Getenv(contract.PrepareVariable) != "1" {
		return false
	}
	if err := prepare(begin(), reporter()); err != nil {
		fail(err)
	}
	return true
}

// BeginWork ties a program that does one piece of work and ends, as a trainer does, to the
// host that started it: it ends when that does. It gives what the host logs and what
// tells it how far the work is. A person may start such a program too; then nothing is
// tied.
func BeginWork() (log *slog.Logger, report func(contract.Progress)) {
	log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	if handshake := contract.Handshake(); os.Getenv(handshake.MagicCookieKey) == handshake.MagicCookieValue {
		log = begin()
	}
	return log, reporter()
}

// reporter writes lines of progress.
func reporter() func(contract.Progress) {
	lines := json.NewEncoder(os.Stdout)
	return func(progress contract.Progress) { _ = lines.Encode(progress) }
}

// begin checks who started this process, ties its life to the host's and returns
// its log. It comes before the model is loaded, which may take minutes.
func begin() *slog.Logger {
	handshake := contract.Handshake()
	if os.Getenv(handshake.MagicCookieKey) != handshake.MagicCookieValue {
		fail(fmt.Errorf("this is a plugin of vsed, which starts it by itself; see --help"))
	}
	if err := watchLifePipe(contract.LifePipe); err != nil {
		fail(err)
	}
	return newLog(os.Stderr, os.Getenv(contract.LogLevelVariable))
}

func serve(kind string, log *slog.Logger, register func(*grpc.Server) error) {
	restore := keepStandardStreams()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  contract.Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{contract.Version: {kind: &service{register: register}}},
		Logger:           hclog.NewNullLogger(),
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, serverOptions(guard(log, restore))...)...)
		},
	})
}

func serverOptions(guard grpc.UnaryServerInterceptor) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(contract.MessageLimit),
		grpc.UnaryInterceptor(guard),
		grpc.ReadBufferSize(socketBuffer),
		grpc.WriteBufferSize(socketBuffer),
		grpc.InitialWindowSize(window),
		grpc.InitialConnWindowSize(window),
	}
}

// service is go-plugin's view of a gRPC service.
type service struct {
	plugin.NetRPCUnsupportedPlugin
	register func(*grpc.Server) error
}

var _ plugin.GRPCPlugin = (*service)(nil)

// GRPCServer is called when the socket listens and nothing is accepted yet. Its
// error would be lost in go-plugin's log, so it ends the process here.
func (s *service) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	if err := s.register(server); err != nil {
		fail(err)
	}
	return nil
}

func (s *service) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("package sdk serves plugins, package host calls them")
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
	os.Exit(1)
}
