package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vsed/plugins/contract"
)

// EncoderHost calls one encoder plugin. Safe for concurrent use.
//
// A call whose context ends returns at once, while the plugin works on it until
// Policy.CallTimeout: pictures and texts may be read until then.
type EncoderHost struct {
	supervisor *supervisor

	mutex sync.Mutex
	space string // of the first start; empty before
}

// NewEncoder returns a host whose plugin starts with the first call. The caller
// must Close it.
func NewEncoder(command Command, policy Policy, log *slog.Logger) *EncoderHost {
	command.Kind = Encoder
	encoder := &EncoderHost{}
	encoder.supervisor = newSupervisor(command, policy, log, encoder.meet)
	return encoder
}

// meet asks a new process for its description and checks it.
func (e *EncoderHost) meet(ctx context.Context, process *described) error {
	description, err := contract.NewEncoderClient(process.Connection()).Describe(ctx, &contract.DescribeRequest{})
	if err != nil {
		return process.describeProblem(Encoder, err)
	}
	if err := checkEncoder(description); err != nil {
		return fmt.Errorf("it describes itself wrongly: %w; install another version of it", err)
	}
	process.encoder = description
	return e.keepSpace(description.GetSpace())
}

// keepSpace refuses a process of another space than the first had, whose vectors
// would mix with those of the first.
func (e *EncoderHost) keepSpace(space string) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.space != "" && e.space != space {
		return fmt.Errorf("its space is now %s and was %s; its files were changed while it ran, restart vsed", space, e.space)
	}
	e.space = space
	return nil
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
// in the described format; together they must fit into one message of 63 MiB.
func (e *EncoderHost) EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	return e.encode(ctx, encoding{
		name:  "encoding pictures",
		count: len(pictures),
		check: func(d *contract.EncoderDescription) error {
			return checkItems("picture", pictures, pictureLength(d.GetPicture()))
		},
		call: func(ctx context.Context, client contract.EncoderClient) (*contract.EncodeResponse, error) {
			return client.EncodePictures(ctx, &contract.EncodePicturesRequest{Pictures: pictures})
		},
		also: ofPicture,
	})
}

// EncodeTexts returns one embedding for each text, in order. Texts are UTF-8.
func (e *EncoderHost) EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error) {
	return e.encode(ctx, encoding{
		name:  "encoding texts",
		count: len(texts),
		check: func(*contract.EncoderDescription) error { return checkTexts(texts) },
		call: func(ctx context.Context, client contract.EncoderClient) (*contract.EncodeResponse, error) {
			return client.EncodeTexts(ctx, &contract.EncodeTextsRequest{Texts: texts})
		},
		also: ofText,
	})
}

// Project returns one embedding without a feature for each feature, in order.
// errors.ErrUnsupported where the encoder has no features.
func (e *EncoderHost) Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error) {
	return e.encode(ctx, encoding{
		name:  "projecting features",
		count: len(features),
		check: func(d *contract.EncoderDescription) error {
			if d.GetFeatureType() == "" {
				return fmt.Errorf("project features: %s: %w", d.GetName(), errors.ErrUnsupported)
			}
			return checkItems("feature", features, int(d.GetFeatureBytes()))
		},
		call: func(ctx context.Context, client contract.EncoderClient) (*contract.EncodeResponse, error) {
			return client.Project(ctx, &contract.ProjectRequest{Features: features})
		},
		also: ofProjection,
	})
}

// encoding is one of the three calls that answer with embeddings.
type encoding struct {
	name  string
	count int
	check func(*contract.EncoderDescription) error
	call  func(context.Context, contract.EncoderClient) (*contract.EncodeResponse, error)
	also  rule
}

func (e *EncoderHost) encode(ctx context.Context, what encoding) ([]*contract.Embedding, error) {
	process, err := e.supervisor.running(ctx)
	if err != nil {
		return nil, err
	}
	if err := what.check(process.encoder); err != nil || what.count == 0 {
		return nil, err
	}
	return ask(ctx, e.supervisor, what.name, func(ctx context.Context, process *described) ([]*contract.Embedding, error) {
		reply, err := what.call(ctx, contract.NewEncoderClient(process.Connection()))
		if err != nil {
			return nil, err
		}
		if err := checkEmbeddings(reply, what.count, process.encoder, what.also); err != nil {
			return nil, &ReplyError{Plugin: e.supervisor.command.Name, Reason: what.name + ": " + err.Error()}
		}
		return reply.GetEmbeddings(), nil
	})
}

// Golden returns inputs whose vectors are known, checked for size and number; the
// vectors may be absent.
func (e *EncoderHost) Golden(ctx context.Context) (*contract.GoldenResponse, error) {
	return ask(ctx, e.supervisor, "giving golden inputs", func(ctx context.Context, process *described) (*contract.GoldenResponse, error) {
		golden, err := contract.NewEncoderClient(process.Connection()).Golden(ctx, &contract.GoldenRequest{})
		if err != nil {
			return nil, err
		}
		if err := checkGolden(golden, process.encoder); err != nil {
			return nil, &ReplyError{Plugin: e.supervisor.command.Name, Reason: "golden inputs: " + err.Error()}
		}
		return golden, nil
	})
}

// Unload frees what only pictures need, until the next EncodePictures. An encoder
// that does not run stays so.
func (e *EncoderHost) Unload(ctx context.Context) error {
	if e.ProcessID() == 0 {
		return nil
	}
	_, err := ask(ctx, e.supervisor, "unloading", func(ctx context.Context, process *described) (*contract.UnloadResponse, error) {
		return contract.NewEncoderClient(process.Connection()).Unload(ctx, &contract.UnloadRequest{})
	})
	return err
}

// ProcessID is that of the running plugin, 0 where none runs.
func (e *EncoderHost) ProcessID() int { return e.supervisor.processID() }

// Problem says in one line why the plugin does not run now; empty where it does
// or has not been needed.
func (e *EncoderHost) Problem() string { return e.supervisor.problemNow() }

// Failing reports whether the plugin has crashed or not started several times in a
// row: what brought it down is not one input.
func (e *EncoderHost) Failing() bool { return e.supervisor.failing() }

// Close kills the plugin and waits for its end. Calls in flight fail.
func (e *EncoderHost) Close() error { return e.supervisor.close() }

// checkItems checks what the caller sends: its mistake, not the plugin's.
func checkItems(noun string, items [][]byte, length int) error {
	if len(items)*length > payloadLimit {
		return fmt.Errorf("%d %ss of %d bytes do not fit into one call", len(items), noun, length)
	}
	if position := slices.IndexFunc(items, func(item []byte) bool { return len(item) != length }); position >= 0 {
		return fmt.Errorf("%s %d is %d bytes long, the encoder takes %d", noun, position, len(items[position]), length)
	}
	return nil
}

func checkTexts(texts []string) error {
	total := 0
	for _, text := range texts {
		total += len(text)
	}
	if total > payloadLimit {
		return fmt.Errorf("%d texts of %d bytes do not fit into one call", len(texts), total)
	}
	return nil
}

// describeProblem explains why a process did not say what it is.
func (p *Process) describeProblem(kind Kind, err error) error {
	if status.Code(err) == codes.Unimplemented {
		return fmt.Errorf("it is not a plugin of kind %s; name another program in the configuration", kind)
	}
	if status.Code(err) == codes.FailedPrecondition {
		return errors.New(printable(status.Convert(err).Message(), reasonLimit))
	}
	if status.Code(err) == codes.Unavailable && p.waitABit(context.Background()) {
		return fmt.Errorf("it ended when asked what it is (%s)", p.obituary())
	}
	return fmt.Errorf("it does not say what it is: %s; reinstall it", printable(status.Convert(err).Message(), reasonLimit))
}
