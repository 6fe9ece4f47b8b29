package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

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

	// PerceptualHash differs in few bits between pictures that look alike; 0 where
	// neither pictures nor a thumbnail were asked.
	PerceptualHash uint64
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
	return &DecoderHost{supervisor: newSupervisor(command, policy, log, meetDecoder), turn: make(chan struct{}, 1)}
}

// meetDecoder asks a new process for its description and checks it.
func meetDecoder(ctx context.Context, process *described) error {
	description, err := contract.NewDecoderClient(process.Connection()).Describe(ctx, &contract.DescribeRequest{})
	if err != nil {
		return process.describeProblem(Decoder, err)
	}
	if err := checkDecoder(description); err != nil {
		return fmt.Errorf("it describes itself wrongly: %w; install another version of it", err)
	}
	process.decoder = description
	return nil
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
// both share. The caller keeps and closes photo, at any time.
func (d *DecoderHost) Decode(ctx context.Context, photo *os.File, request DecodeRequest) (*Decoded, error) {
	if err := checkDecodeRequest(request); err != nil {
		return nil, err
	}
	return inTurn(ctx, d, photo, "decoding", func(ctx context.Context, call fileCall) (*Decoded, error) {
		return call.decode(ctx, request)
	})
}

// ReadSidecar reads an XMP sidecar as Decode does a photo; name is its base name,
// for messages only. The metadata has the format "xmp" and no size.
func (d *DecoderHost) ReadSidecar(ctx context.Context, sidecar *os.File, name string) (*contract.Metadata, error) {
	return inTurn(ctx, d, sidecar, "reading a sidecar", func(ctx context.Context, call fileCall) (*contract.Metadata, error) {
		return call.readSidecar(ctx, name)
	})
}

// fileCall is one call about a file whose descriptor has been sent.
type fileCall struct {
	client  contract.DecoderClient
	plugin  string // Command.Name
	ticket  uint64
	trailer *metadata.MD
}

func (c fileCall) decode(ctx context.Context, request DecodeRequest) (*Decoded, error) {
	reply, err := c.client.Decode(ctx, &contract.DecodeRequest{
		Ticket:        c.ticket,
		Name:          []byte(request.Name),
		Pictures:      request.Pictures,
		ThumbnailSide: request.ThumbnailSide,
	}, grpc.Trailer(c.trailer))
	if err != nil {
		return nil, err
	}
	if err := checkDecoded(reply, request); err != nil {
		return nil, &ReplyError{Plugin: c.plugin, Reason: err.Error()}
	}
	return &Decoded{
		Digest:         [32]byte(reply.GetDigest()),
		Metadata:       reply.GetMetadata(),
		Pictures:       reply.GetPictures(),
		Thumbnail:      reply.GetThumbnail(),
		PerceptualHash: reply.GetPerceptualHash(),
	}, nil
}

func (c fileCall) readSidecar(ctx context.Context, name string) (*contract.Metadata, error) {
	reply, err := c.client.ReadSidecar(ctx, &contract.ReadSidecarRequest{Ticket: c.ticket, Name: []byte(name)}, grpc.Trailer(c.trailer))
	if err != nil {
		return nil, err
	}
	if err := checkSidecarMetadata(reply.GetMetadata()); err != nil {
		return nil, &ReplyError{Plugin: c.plugin, Reason: err.Error()}
	}
	return reply.GetMetadata(), nil
}

// inTurn waits until no other call runs, sends the file and calls.
func inTurn[T any](ctx context.Context, d *DecoderHost, file *os.File, name string, call func(context.Context, fileCall) (T, error)) (T, error) {
	var none T
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	case <-d.supervisor.context.Done():
		return none, ErrClosed
	}
	return detach(ctx, d.supervisor, func() (T, error) {
		defer func() { <-d.turn }()
		process, err := d.supervisor.running(d.supervisor.context)
		if err != nil {
			return none, err
		}
		d.ticket++
		if err := process.SendDescriptor(d.ticket, file); err != nil {
			return none, d.descriptorProblem(process, err)
		}
		trailer := metadata.MD{}
		defer func() { d.retire(process, trailer) }()
		return invoke(d.supervisor, process, name, func(ctx context.Context) (T, error) {
			return call(ctx, fileCall{contract.NewDecoderClient(process.Connection()), d.supervisor.command.Name, d.ticket, &trailer})
		})
	})
}

// retire replaces a process that asks for it.
func (d *DecoderHost) retire(process *described, trailer metadata.MD) {
	if reasons := trailer.Get(contract.RetireTrailer); len(reasons) > 0 {
		d.supervisor.retire(process, printable(reasons[0], reasonLimit))
	}
}

// descriptorProblem says whose fault it is that a descriptor was not sent: the
// caller's, who closed the photo, or that of a plugin that ended or does not read.
func (d *DecoderHost) descriptorProblem(process *described, err error) error {
	if errors.Is(err, os.ErrClosed) && !process.hasExited() {
		return err
	}
	if process.waitABit(d.supervisor.context) {
		return d.supervisor.crashed(process)
	}
	d.supervisor.discard(process, err.Error())
	return &CrashError{Plugin: d.supervisor.command.Name, Reason: err.Error()}
}

func checkDecodeRequest(request DecodeRequest) error {
	total := 0
	for position, picture := range request.Pictures {
		if err := checkPicture(picture); err != nil {
			return fmt.Errorf("picture %d of the request: %w", position, err)
		}
		total += pictureLength(picture)
	}
	if total > payloadLimit-thumbnailLimit {
		return fmt.Errorf("pictures of %d bytes do not fit into one answer", total)
	}
	return nil
}

// Problem says in one line why the plugin does not run now; empty where it does
// or has not been needed.
func (d *DecoderHost) Problem() string { return d.supervisor.problemNow() }

// Close kills the plugin and waits for its end. Calls in flight fail.
func (d *DecoderHost) Close() error { return d.supervisor.close() }
