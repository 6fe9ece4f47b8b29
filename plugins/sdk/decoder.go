package sdk

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"vsed/plugins/contract"
)

// decoderService answers the host for a decoder, one photo at a time.
type decoderService struct {
	contract.UnimplementedDecoderServer
	decoder DecoderServer

	mutex sync.Mutex
	inbox *inbox
}

func (s *decoderService) Describe(ctx context.Context, _ *contract.DescribeRequest) (*contract.DecoderDescription, error) {
	return s.decoder.Describe(ctx)
}

func (s *decoderService) Decode(ctx context.Context, request *contract.DecodeRequest) (*contract.DecodeResponse, error) {
	return withFile(ctx, s, request.GetTicket(), func(photo *os.File) (*contract.DecodeResponse, error) {
		return s.decoder.Decode(ctx, photo, request)
	})
}

func (s *decoderService) ReadSidecar(ctx context.Context, request *contract.ReadSidecarRequest) (*contract.ReadSidecarResponse, error) {
	return withFile(ctx, s, request.GetTicket(), func(sidecar *os.File) (*contract.ReadSidecarResponse, error) {
		metadata, err := s.decoder.ReadSidecar(ctx, sidecar, request)
		if err != nil {
			return nil, err
		}
		return &contract.ReadSidecarResponse{Metadata: metadata}, nil
	})
}

// withFile calls f with the file that came under the ticket, when no other call
// runs, and passes on that the decoder wants to be replaced.
func withFile[T any](ctx context.Context, s *decoderService, ticket uint64, f func(*os.File) (*T, error)) (*T, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	file, err := s.inbox.take(ticket)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, Rejected("not a file that can be read from its start: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("before reading the file: %w", err)
	}
	reply, err := f(file)
	if reason := s.decoder.Retire(); reason != "" {
		if failure := grpc.SetTrailer(ctx, metadata.Pairs(contract.RetireTrailer, reason)); failure != nil {
			return nil, fmt.Errorf("ask to be replaced: %w", failure)
		}
	}
	return reply, err
}
