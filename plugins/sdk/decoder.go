package sdk

import (
	"context"
	"fmt"
	"io"
	"sync"

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
	s.mutex.Lock()
	defer s.mutex.Unlock()
	photo, err := s.inbox.take(request.GetTicket())
	if err != nil {
		return nil, err
	}
	defer photo.Close()
	if _, err := photo.Seek(0, io.SeekStart); err != nil {
		return nil, Rejected("not a file that can be read from its start: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("before decoding: %w", err)
	}
	return s.decoder.Decode(ctx, photo, request)
}
