package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"vsed/daemon/api"
)

// Learning is what the server asks about learning from the user's tags. Errors are
// as for a Library.
type Learning interface {
	Learning(ctx context.Context) (api.Learning, error)
	LearningRuns(ctx context.Context) ([]api.LearningRun, error)
	LearningReport(ctx context.Context, number int) (api.LearningReport, error)
	StartLearning(ctx context.Context) (api.LearningRun, error)
	StopLearning(ctx context.Context) error
	// ApplyLearning and RollBackLearning begin a swap, of which Encoders tells.
	ApplyLearning(ctx context.Context, number int) error
	RollBackLearning(ctx context.Context) error

	Suggestions(ctx context.Context, asked api.SuggestionsRequest) (api.SuggestionList, error)
	AcceptSuggestions(ctx context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error)
	RefuseSuggestions(ctx context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error)
	Refusals(ctx context.Context, asked api.RefusalsRequest) (api.RefusalList, error)
	UnrefuseSuggestions(ctx context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error)
}

type learningRunInput struct {
	Number int `path:"number" minimum:"1" doc:"of the run"`
}

type suggestionsInput struct {
	Tag    string  `query:"tag" maxLength:"255" doc:"of this tag alone"`
	Photo  int64   `query:"photo" minimum:"1" doc:"of this photo alone"`
	Least  float64 `query:"least" minimum:"0" maximum:"1" default:"0.5" doc:"the least confidence"`
	Limit  int     `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"suggestions a page"`
	Cursor string  `query:"cursor" maxLength:"1024" doc:"next of the page before"`
}

type refusalsInput struct {
	Tag    string `query:"tag" maxLength:"255" doc:"of this tag alone, in any spelling"`
	Photo  int64  `query:"photo" minimum:"1" doc:"of this photo alone"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"refusals a page"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next of the page before"`
}

func (s *Server) learningRoutes(h huma.API) {
	const path = "/v1/learning"
	route(s, h, huma.Operation{
		OperationID: "learning", Method: http.MethodGet, Path: path, Summary: "How far learning from the user's tags is",
	}, func(ctx context.Context, _ *struct{}) (*body[api.Learning], error) {
		return answer(s.learning.Learning(ctx))
	})
	route(s, h, huma.Operation{
		OperationID: "learning-runs", Method: http.MethodGet, Path: path + "/runs", Summary: "The learning runs that are kept",
	}, s.learningRuns)
	route(s, h, huma.Operation{
		OperationID: "start-learning", Method: http.MethodPost, Path: path + "/runs", DefaultStatus: http.StatusAccepted,
		Summary: "Learn from the user's tags; nothing changes before the result is applied",
	}, func(ctx context.Context, _ *struct{}) (*body[api.LearningRun], error) {
		return answer(s.learning.StartLearning(ctx))
	})
	route(s, h, huma.Operation{
		OperationID: "learning-report", Method: http.MethodGet, Path: path + "/runs/{number}", Summary: "What a learning run found",
	}, s.learningReport)
	route(s, h, huma.Operation{
		OperationID: "stop-learning", Method: http.MethodPost, Path: path + "/stop", DefaultStatus: http.StatusOK, Summary: "End the learning run that goes on",
	}, s.stopLearning)
	slow(s, h, huma.Operation{
		OperationID: "apply-learning", Method: http.MethodPost, Path: path + "/runs/{number}/apply", DefaultStatus: http.StatusAccepted,
		Summary: "Have what a run proposes take the place of the encoder that serves",
	}, s.applyLearning)
	route(s, h, huma.Operation{
		OperationID: "rollback-learning", Method: http.MethodPost, Path: path + "/rollback", DefaultStatus: http.StatusAccepted,
		Summary: "Go back to the encoder before the learned one",
	}, s.rollBackLearning)
	s.suggestionRoutes(h)
}

func (s *Server) suggestionRoutes(h huma.API) {
	const path = "/v1/suggestions"
	route(s, h, huma.Operation{
		OperationID: "suggestions", Method: http.MethodGet, Path: path, Summary: "Learned tags that wait to be accepted or refused",
	}, s.suggestions)
	route(s, h, huma.Operation{
		OperationID: "refused-suggestions", Method: http.MethodGet, Path: path + "/refused", Summary: "Suggestions that were refused",
	}, s.refusals)
	slow(s, h, huma.Operation{
		OperationID: "accept-suggestions", Method: http.MethodPost, Path: path + "/accept", DefaultStatus: http.StatusOK,
		Summary: "Make suggestions the user's tags, refused ones too",
	}, taking(s.learning.AcceptSuggestions))
	slow(s, h, huma.Operation{
		OperationID: "refuse-suggestions", Method: http.MethodPost, Path: path + "/refuse", DefaultStatus: http.StatusOK,
		Summary: "Take suggestions away until that is taken back; the next run learns from it",
	}, taking(s.learning.RefuseSuggestions))
	slow(s, h, huma.Operation{
		OperationID: "unrefuse-suggestions", Method: http.MethodPost, Path: path + "/unrefuse", DefaultStatus: http.StatusOK,
		Summary: "Have refused suggestions suggested again",
	}, taking(s.learning.UnrefuseSuggestions))
}

// taking answers with what became of the suggestions named.
func taking(take func(context.Context, []api.PhotoTag) (api.SuggestionsTaken, error)) func(context.Context, *body[api.SuggestionsNamed]) (*body[api.SuggestionsTaken], error) {
	return func(ctx context.Context, input *body[api.SuggestionsNamed]) (*body[api.SuggestionsTaken], error) {
		taken, err := take(ctx, input.Body.Suggestions)
		taken.Missed = list(taken.Missed)
		return answer(taken, err)
	}
}

func (s *Server) learningRuns(ctx context.Context, _ *struct{}) (*body[api.LearningRuns], error) {
	runs, err := s.learning.LearningRuns(ctx)
	return answer(api.LearningRuns{Runs: list(runs)}, err)
}

func (s *Server) learningReport(ctx context.Context, input *learningRunInput) (*body[api.LearningReport], error) {
	report, err := s.learning.LearningReport(ctx, input.Number)
	report.Notes, report.PerTag, report.Examples = list(report.Notes), list(report.PerTag), list(report.Examples)
	for i := range report.Examples {
		report.Examples[i].Before, report.Examples[i].After = list(report.Examples[i].Before), list(report.Examples[i].After)
	}
	return answer(report, err)
}

func (s *Server) stopLearning(ctx context.Context, _ *struct{}) (*body[api.Learning], error) {
	if err := s.learning.StopLearning(ctx); err != nil {
		return nil, err
	}
	return answer(s.learning.Learning(ctx))
}

func (s *Server) applyLearning(ctx context.Context, input *learningRunInput) (*body[api.Swap], error) {
	if err := s.learning.ApplyLearning(ctx, input.Number); err != nil {
		return nil, err
	}
	return s.swap(ctx, nil)
}

func (s *Server) rollBackLearning(ctx context.Context, _ *struct{}) (*body[api.Swap], error) {
	if err := s.learning.RollBackLearning(ctx); err != nil {
		return nil, err
	}
	return s.swap(ctx, nil)
}

func (s *Server) refusals(ctx context.Context, input *refusalsInput) (*body[api.RefusalList], error) {
	page, err := s.learning.Refusals(ctx, api.RefusalsRequest(*input))
	page.Refusals = list(page.Refusals)
	return answer(page, err)
}

func (s *Server) suggestions(ctx context.Context, input *suggestionsInput) (*body[api.SuggestionList], error) {
	page, err := s.learning.Suggestions(ctx, api.SuggestionsRequest(*input))
	page.Suggestions = list(page.Suggestions)
	return answer(page, err)
}
