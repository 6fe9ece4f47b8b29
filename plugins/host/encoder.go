package host

import (
	"context"
	"log/slog"

	"vsed/plugins/contract"
)

// EncoderHost calls one encoder plugin. Safe for concurrent use.
type EncoderHost struct {
	supervisor *supervisor
}

// NewEncoder returns a host whose plugin starts with the first call. The caller
// must Close it.
func NewEncoder(command Command, policy Policy, log *slog.Logger) *EncoderHost {
	command.Kind = Encoder
	return &EncoderHost{supervisor: newSupervisor(command, policy, log)}
}

// Describe returns what the encoder said of itself when it started. The caller
// must not change it.
func (e *EncoderHost) Describe(ctx context.Context) (*contract.EncoderDescription, error) {
	process, err := e.supervisor.running(ctx)
	if err != nil {
		return nil, err
	}
	return process.encoder, nil
}

// EncodePictures returns one embedding for each picture, in order. Pictures are
// in the described format.
func (e *EncoderHost) EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	return nil, ErrClosed
}

// EncodeTexts returns one embedding for each text, in order.
func (e *EncoderHost) EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error) {
	return nil, ErrClosed
}

// Project returns one embedding without a feature for each feature, in order.
// errors.ErrUnsupported where the encoder has no features.
func (e *EncoderHost) Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error) {
	return nil, ErrClosed
}

// Problem says in one line why the plugin does not run now; empty where it does
// or has not been needed.
func (e *EncoderHost) Problem() string { return e.supervisor.problemNow() }

// Close kills the plugin and waits for its end. Calls in flight fail.
func (e *EncoderHost) Close() error { return e.supervisor.close() }
