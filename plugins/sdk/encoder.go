package sdk

import (
	"context"

	"vsed/plugins/contract"
)

// encoderService answers the host for an encoder and keeps requests from it that
// contradict its description.
type encoderService struct {
	contract.UnimplementedEncoderServer
	encoder     EncoderServer
	description *contract.EncoderDescription
}

func (s *encoderService) Describe(context.Context, *contract.DescribeRequest) (*contract.EncoderDescription, error) {
	return s.description, nil
}

func (s *encoderService) EncodePictures(ctx context.Context, request *contract.EncodePicturesRequest) (*contract.EncodeResponse, error) {
	format := s.description.GetPicture()
	if err := checkLengths("picture", request.Pictures, int(format.GetWidth())*int(format.GetHeight())*3); err != nil {
		return nil, err
	}
	return response(s.encoder.EncodePictures(ctx, request.Pictures))
}

func (s *encoderService) EncodeTexts(ctx context.Context, request *contract.EncodeTextsRequest) (*contract.EncodeResponse, error) {
	return response(s.encoder.EncodeTexts(ctx, request.Texts))
}

func (s *encoderService) Project(ctx context.Context, request *contract.ProjectRequest) (*contract.EncodeResponse, error) {
	if s.description.GetFeatureType() == "" {
		return s.UnimplementedEncoderServer.Project(ctx, request)
	}
	if err := checkLengths("feature", request.Features, int(s.description.GetFeatureBytes())); err != nil {
		return nil, err
	}
	return response(s.encoder.Project(ctx, request.Features))
}

func (s *encoderService) Golden(ctx context.Context, _ *contract.GoldenRequest) (*contract.GoldenResponse, error) {
	return s.encoder.Golden(ctx)
}

func (s *encoderService) Unload(ctx context.Context, _ *contract.UnloadRequest) (*contract.UnloadResponse, error) {
	if err := s.encoder.Unload(ctx); err != nil {
		return nil, err
	}
	return &contract.UnloadResponse{}, nil
}

func response(embeddings []*contract.Embedding, err error) (*contract.EncodeResponse, error) {
	if err != nil {
		return nil, err
	}
	return &contract.EncodeResponse{Embeddings: embeddings}, nil
}

func checkLengths(noun string, items [][]byte, want int) error {
	for position, item := range items {
		if len(item) != want {
			return Rejected("%s %d is %d bytes long, this encoder takes %d", noun, position, len(item), want)
		}
	}
	return nil
}
