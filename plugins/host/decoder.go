package host

import (
	"context"
	"log/slog"
	"os"

	"vsed/plugins/contract"
)

// DecodeRequest says what to make of a photo.
type DecodeRequest struct {
	Name          string // base name as raw bytes, for messages only
	Pictures      []*contract.PictureFormat
	ThumbnailSide uint32 // longest side in pixels; 0: no thumbnail
}

// Decoded is what a decoder made of a photo. All parts have been checked against
// the request, except that nobody has parsed the thumbnail.
type Decoded struct {
	Digest    [32]byte // SHA-256 of the whole file
	Metadata  *contract.Metadata
	Pictures  [][]byte // uint8 RGB, row by row, as asked and in that order
	Thumbnail []byte   // WebP; empty where none was asked
}

// DecoderHost calls one decoder plugin, which has one photo at a time: calls
// queue. Use one DecoderHost for each core.
type DecoderHost struct {
	supervisor *supervisor
	turn       chan struct{} // holds one token while a call runs
	ticket     uint64        // of the last call; owned by the holder of turn
}

// NewDecoder returns a host whose plugin starts with the first call. The caller
// must Close it.
func NewDecoder(command Command, policy Policy, log *slog.Logger) *DecoderHost {
	command.Kind = Decoder
	return &DecoderHost{supervisor: newSupervisor(command, policy, log), turn: make(chan struct{}, 1)}
}

// Describe returns what the decoder said of itself when it started. The caller
// must not change it.
func (d *DecoderHost) Describe(ctx context.Context) (*contract.DecoderDescription, error) {
	process, err := d.supervisor.running(ctx)
	if err != nil {
		return nil, err
	}
	return process.decoder, nil
}

// Decode sends the photo's descriptor to the plugin, which moves the offset that
// both share. The caller keeps and closes photo.
func (d *DecoderHost) Decode(ctx context.Context, photo *os.File, request DecodeRequest) (*Decoded, error) {
	return nil, ErrClosed
}

// Problem says in one line why the plugin does not run now; empty where it does
// or has not been needed.
func (d *DecoderHost) Problem() string { return d.supervisor.problemNow() }

// Close kills the plugin and waits for its end. Calls in flight fail.
func (d *DecoderHost) Close() error { return d.supervisor.close() }
