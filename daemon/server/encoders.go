package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

// Encoders is what the server asks about encoders. Errors are as for a Library.
type Encoders interface {
	Encoders(ctx context.Context) ([]api.InstalledEncoder, error)
	Encoder(ctx context.Context, name string) (api.InstalledEncoder, error)
	TestEncoder(ctx context.Context, name string) (api.EncoderTest, error)
	InstallEncoder(ctx context.Context, name string, archive io.Reader) (api.EncoderTest, error)
	RemoveEncoder(ctx context.Context, name string) error
	Swap(ctx context.Context) (api.Swap, error)
	UseEncoder(ctx context.Context, name string, now bool) error
	PauseSwap(ctx context.Context, paused bool) error
	RollBack(ctx context.Context) error
}

type encoderInput struct {
	Name string `path:"name" maxLength:"64" doc:"of the encoder"`
}

func (s *Server) encoderRoutes(h huma.API) {
	const path = "/v1/encoders"
	route(s, h, huma.Operation{
		OperationID: "encoders", Method: http.MethodGet, Path: path, Summary: "The installed encoders",
	}, s.listEncoders)
	route(s, h, huma.Operation{
		OperationID: "encoder", Method: http.MethodGet, Path: path + "/{name}", Summary: "One installed encoder",
	}, s.encoder)
	slow(s, h, huma.Operation{
		OperationID: "test-encoder", Method: http.MethodPost, Path: path + "/{name}/test", DefaultStatus: http.StatusOK,
		Summary: "Run the self-test of an encoder",
	}, s.testEncoder)
	route(s, h, huma.Operation{
		OperationID: "remove-encoder", Method: http.MethodDelete, Path: path + "/{name}",
		Summary: "Delete an encoder that does not serve, and its vectors",
	}, s.removeEncoder)
	h.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "install-encoder", Method: http.MethodPut, Path: path + "/{name}",
		Summary:     "Install an encoder, after its self-test: SHA256SUMS, then the files that it names",
		Parameters:  []*huma.Param{{Name: "name", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{archiveType: {}}},
		Responses: withProblem(h, map[string]*huma.Response{"201": {Description: "the report of the self-test", Content: map[string]*huma.MediaType{
			"application/json": {Schema: h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.EncoderTest](), true, "EncoderTest")},
		}}}),
	})
	s.swapRoutes(h)
}

// archiveType is what an encoder comes as.
const archiveType = "application/x-tar"

func (s *Server) swapRoutes(h huma.API) {
	const path = "/v1/swap"
	route(s, h, huma.Operation{
		OperationID: "swap", Method: http.MethodGet, Path: path, Summary: "How far a change of encoders is",
	}, s.swap)
	slow(s, h, huma.Operation{
		OperationID: "use-encoder", Method: http.MethodPost, Path: path, DefaultStatus: http.StatusAccepted,
		Summary: "Test an encoder, and have it take the place of the one that serves when it has encoded the library",
	}, s.useEncoder)
	for command, summary := range map[string]string{
		"pause":    "Stop encoding for the incoming encoder",
		"resume":   "Go on encoding for the incoming encoder",
		"rollback": "Go back to the encoder before, with the vectors that it has",
	} {
		route(s, h, huma.Operation{
			OperationID: command + "-swap", Method: http.MethodPost, Path: path + "/" + command, DefaultStatus: http.StatusAccepted, Summary: summary,
		}, s.swapCommand(command))
	}
}

func (s *Server) listEncoders(ctx context.Context, _ *struct{}) (*body[api.EncoderList], error) {
	encoders, err := s.encoders.Encoders(ctx)
	return answer(api.EncoderList{Encoders: list(encoders)}, err)
}

func (s *Server) encoder(ctx context.Context, input *encoderInput) (*body[api.InstalledEncoder], error) {
	return answer(s.encoders.Encoder(ctx, input.Name))
}

func (s *Server) testEncoder(ctx context.Context, input *encoderInput) (*body[api.EncoderTest], error) {
	return answer(s.encoders.TestEncoder(ctx, input.Name))
}

func (s *Server) removeEncoder(ctx context.Context, input *encoderInput) (*struct{}, error) {
	return nil, s.encoders.RemoveEncoder(ctx, input.Name)
}

func (s *Server) swap(ctx context.Context, _ *struct{}) (*body[api.Swap], error) {
	swap, err := s.encoders.Swap(ctx)
	return answer(wholeSwap(swap), err)
}

func (s *Server) useEncoder(ctx context.Context, input *body[api.SwapRequest]) (*body[api.Swap], error) {
	if err := s.encoders.UseEncoder(ctx, input.Body.Encoder, input.Body.Now); err != nil {
		return nil, err
	}
	return s.swap(ctx, nil)
}

func (s *Server) swapCommand(command string) func(context.Context, *struct{}) (*body[api.Swap], error) {
	return func(ctx context.Context, _ *struct{}) (*body[api.Swap], error) {
		var err error
		switch command {
		case "rollback":
			err = s.encoders.RollBack(ctx)
		default:
			err = s.encoders.PauseSwap(ctx, command == "pause")
		}
		if err != nil {
			return nil, err
		}
		return s.swap(ctx, nil)
	}
}

func wholeSwap(swap api.Swap) api.Swap {
	swap.Offline = list(swap.Offline)
	if swap.Last != nil {
		last := *swap.Last
		last.Offline = list(last.Offline)
		swap.Last = &last
	}
	return swap
}

// installEncoder takes a model, which may have gigabytes: it is no operation of
// huma's, which would read it into memory.
func (s *Server) installEncoder(w http.ResponseWriter, r *http.Request) {
	if kind := r.Header.Get("Content-Type"); kind != archiveType {
		writeProblem(w, api.NewError(http.StatusUnsupportedMediaType, "an encoder is sent as "+archiveType+": use `vsectl encoder pull`"))
		return
	}
	allowTime(w)
	test, err := s.encoders.InstallEncoder(r.Context(), r.PathValue("name"), r.Body)
	if err != nil {
		writeProblem(w, (*api.Error)(s.refuse(r.Context(), "install-encoder", err)))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(test) // an error means that the client is gone
}
