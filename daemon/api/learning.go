package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// States of a learning run.
const (
	LearningRunning     = "running"
	LearningProposed    = "proposed"    // it can be applied
	LearningNoProposal  = "no proposal" // nothing is gained, or there is too little to learn from
	LearningFailed      = "failed"      // Reason says why
	LearningStopped     = "stopped"     // by hand
	LearningInterrupted = "interrupted" // the daemon ended under it
)

// Who started a learning run.
const (
	LearningByHand     = "hand"
	LearningBySchedule = "schedule"
)

// A LearningRun is one attempt to learn from the user's tags. Its counts are those
// of its report and absent before there is one.
type LearningRun struct {
	Number  int    `json:"number"`
	State   string `json:"state" enum:"running,proposed,no proposal,failed,stopped,interrupted"`
	Reason  string `json:"reason,omitempty" doc:"why it proposes nothing, with the remedy, or why what it proposes cannot be applied"`
	By      string `json:"by" enum:"hand,schedule"`
	Began   string `json:"began" format:"date-time"`
	Ended   string `json:"ended,omitempty" format:"date-time"`
	From    string `json:"from" doc:"the encoder that it began from"`
	Encoder string `json:"encoder" doc:"the name of what it makes, once applied"`
	Applied string `json:"applied,omitempty" format:"date-time" doc:"when it was applied last"`
	Serves  bool   `json:"serves" doc:"whether what it made serves now"`

	Photos  int              `json:"photos,omitempty" doc:"with tags, learned from"`
	Held    int              `json:"held,omitempty" doc:"with tags, held out to measure"`
	Folds   int              `json:"folds,omitempty" doc:"in so many parts all photos were held out in turn, and are learned from, too; absent: those held out are others"`
	Tags    int              `json:"tags,omitempty" doc:"different ones"`
	Learned int              `json:"learned,omitempty" doc:"those of them that are learned"`
	Gain    *LearningMeasure `json:"gain,omitempty" doc:"of the mean average precision, in points"`
	Guard   *LearningMeasure `json:"guard,omitempty" doc:"what it does to sentences that are not about the user's photos: change of R@1, in points"`
}

// LearningProgress tells how far a run is.
type LearningProgress struct {
	Step        string  `json:"step" doc:"what is being done"`
	Done        int     `json:"done" doc:"of this step"`
	Total       int     `json:"total" doc:"0: not known"`
	SecondsLeft float64 `json:"seconds_left,omitempty" doc:"of this step, an estimate; absent where nothing moves"`
	Rate        float64 `json:"rate,omitempty" doc:"of done, a second"`
}

// Learning is the answer of GET /v1/learning.
type Learning struct {
	// Run goes on; absent where none does.
	Run      *LearningRun      `json:"run,omitempty" doc:"the one that goes on"`
	Progress *LearningProgress `json:"progress,omitempty" doc:"of the run that goes on"`
	// Proposal waits for the user.
	Proposal *LearningRun `json:"proposal,omitempty" doc:"the newest, where it waits to be applied"`
	Last     *LearningRun `json:"last,omitempty" doc:"the newest that has ended"`
	Serving  string       `json:"serving,omitempty" doc:"the encoder that serves"`
	Learned  bool         `json:"learned" doc:"whether it was learned here"`
	Before   string       `json:"before,omitempty" doc:"the encoder that a roll-back brings back; absent where none is kept"`
	Base     string       `json:"base,omitempty" doc:"the encoder on top of which the one that serves was learned"`

	Tagged      int64  `json:"tagged" doc:"photos with tags of the user's, of files or of sidecars"`
	TagsGiven   int64  `json:"tags_given" doc:"to them"`
	TagsRefused int64  `json:"tags_refused" doc:"suggestions refused, which are learned from too"`
	NewTags     int64  `json:"new_tags" doc:"given and refused since the last run"`
	Enough      int64  `json:"enough" doc:"new tags at which the schedule starts a run"`
	Auto        string `json:"auto" enum:"propose,off"`
	Next        string `json:"next,omitempty" format:"date-time" doc:"when the schedule looks next"`

	Suggests bool `json:"suggests" doc:"whether learned tags wait to be accepted or refused"`
}

// LearningRuns is the answer of GET /v1/learning/runs.
type LearningRuns struct {
	Runs []LearningRun `json:"runs" doc:"the newest first"`
}

// A LearningReport is what a run found. Values are in percent; before is the
// encoder that the run began from, without what it has learned; after what it proposes.
type LearningReport struct {
	Run    LearningRun                `json:"run"`
	Events int                        `json:"events" doc:"that the photos are of: none is both learned from and measured with"`
	Notes  []string                   `json:"notes"`
	Before LearningFigures            `json:"before"`
	After  LearningFigures            `json:"after"`
	Parts  map[string]LearningFigures `json:"parts,omitempty" doc:"of what was learned, each alone: heads, tags"`
	Guard  *LearningGuard             `json:"guard,omitempty"`
	// Serving compares with the encoder that the run began from, as it is: with what it has
	// learned.
	Serving *LearningServing `json:"serving,omitempty" doc:"absent where that has learned nothing, or has seen nearly all photos held out"`

	Kept       float64 `json:"kept" doc:"part of the old heads' weights in the new ones; 1: the heads stay"`
	ClassNames float64 `json:"class_names" doc:"weight of the class names beside the heads"`

	PerTag   []LearningTag     `json:"per_tag"`
	Examples []LearningExample `json:"examples"`

	Seconds float64 `json:"seconds"`
	Memory  int64   `json:"memory_bytes"`
}

// LearningFigures are measured over the held-out photos, by single tags.
type LearningFigures struct {
	MAP     LearningMeasure `json:"map" doc:"mean average precision"`
	P5      LearningMeasure `json:"p5" doc:"of the first five, those that have the tag"`
	R10     LearningMeasure `json:"r10" doc:"of those that have the tag, those among the first ten"`
	Queries int             `json:"queries"`
}

// A LearningMeasure is a value with its interval, with 95 % confidence.
type LearningMeasure struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// A LearningGuard says what became of what the encoder knew before: sentences that
// find their pictures among others that are not the user's.
type LearningGuard struct {
	Pictures int             `json:"pictures"`
	Queries  int             `json:"queries"`
	R1Before float64         `json:"r1_before"`
	R1After  float64         `json:"r1_after"`
	Change   LearningMeasure `json:"change"`
}

// LearningServing is measured on photos held out that are new to both encoders.
type LearningServing struct {
	Photos int             `json:"photos"`
	Before LearningFigures `json:"before"`
	After  LearningFigures `json:"after"`
	Gain   LearningMeasure `json:"gain" doc:"of the mean average precision, in points"`
}

// A LearningTag is what came of one tag.
type LearningTag struct {
	Tag     string   `json:"tag"`
	Photos  int      `json:"photos" doc:"that have it"`
	Held    int      `json:"held" doc:"of them held out"`
	Before  *float64 `json:"before,omitempty" doc:"average precision; absent where the tag was not measured, as where too few photos of it were held out"`
	After   *float64 `json:"after,omitempty" doc:"likewise"`
	Lacking int      `json:"lacking,omitempty" doc:"photos more that it takes before the tag is learned"`
}

// A LearningExample is a query with what it finds first among the held-out photos.
type LearningExample struct {
	Query  string        `json:"query"`
	Before []LearningHit `json:"before" doc:"the best first"`
	After  []LearningHit `json:"after" doc:"the best first"`
}

// A LearningHit is a photo of an example.
type LearningHit struct {
	ID int64 `json:"id"`
	Path
	Relevant bool `json:"relevant" doc:"whether it has the tag"`
}

// A LearnedTag is a tag that was learned, on a photo that does not have it.
type LearnedTag struct {
	Tag        string  `json:"tag"`
	Confidence float64 `json:"confidence" minimum:"0" maximum:"1" doc:"calibrated: of a hundred with 0.8, about eighty are right"`
}

// A Suggestion is a learned tag that waits to be accepted or refused.
type Suggestion struct {
	Photo int64 `json:"photo"`
	Path
	LearnedTag
}

// SuggestionList is the answer of GET /v1/suggestions.
type SuggestionList struct {
	Suggestions []Suggestion `json:"suggestions" doc:"the surest first"`
	Next        string       `json:"next" doc:"cursor of the next page; empty at the end"`
}

// PhotoTag is a tag on a photo.
type PhotoTag struct {
	Photo int64  `json:"photo" minimum:"1"`
	Tag   string `json:"tag" minLength:"1" maxLength:"255"`
}

// SuggestionsNamed is what is accepted, refused or refused no more.
type SuggestionsNamed struct {
	Suggestions []PhotoTag `json:"suggestions" minItems:"1" maxItems:"1000"`
}

// SuggestionsTaken is the answer to it.
type SuggestionsTaken struct {
	Taken  int64      `json:"taken" doc:"how many were accepted, refused or refused no more"`
	Missed []PhotoTag `json:"missed" doc:"what was not suggested, or not refused, and was passed over"`
}

// A Refusal is a tag that was suggested for a photo and refused.
type Refusal struct {
	Photo int64 `json:"photo"`
	Path
	Tag string `json:"tag"`
}

// RefusalList is the answer of GET /v1/suggestions/refused.
type RefusalList struct {
	Refusals []Refusal `json:"refusals" doc:"in the order of the photos' numbers"`
	Next     string    `json:"next" doc:"cursor of the next page; empty at the end"`
}

// A RefusalsRequest asks for a page of refusals.
type RefusalsRequest struct {
	Tag    string // "": all; in any spelling
	Photo  int64  // 0: all
	Limit  int    // 0: DefaultSuggestions
	Cursor string
}

// A SuggestionsRequest asks for a page of suggestions.
type SuggestionsRequest struct {
	Tag    string  // "": all
	Photo  int64   // 0: all
	Least  float64 // confidence
	Limit  int     // 0: DefaultSuggestions
	Cursor string
}

// Defaults of a question for suggestions.
const (
	DefaultSuggestions = 50
	DefaultLeast       = 0.5
)

// Learning asks how far learning is.
func (c *Client) Learning(ctx context.Context) (Learning, error) {
	return ask[Learning](ctx, c, http.MethodGet, "/v1/learning", nil)
}

// LearningRuns asks for the runs that are kept, the newest first.
func (c *Client) LearningRuns(ctx context.Context) ([]LearningRun, error) {
	list, err := ask[LearningRuns](ctx, c, http.MethodGet, "/v1/learning/runs", nil)
	return list.Runs, err
}

// StartLearning starts a run.
func (c *Client) StartLearning(ctx context.Context) (LearningRun, error) {
	return ask[LearningRun](ctx, c, http.MethodPost, "/v1/learning/runs", nil)
}

// LearningReport asks for what a run found. One without a report is a refusal.
func (c *Client) LearningReport(ctx context.Context, number int) (LearningReport, error) {
	return ask[LearningReport](ctx, c, http.MethodGet, fmt.Sprintf("/v1/learning/runs/%d", number), nil)
}

// StopLearning ends the run that goes on.
func (c *Client) StopLearning(ctx context.Context) (Learning, error) {
	return ask[Learning](ctx, c, http.MethodPost, "/v1/learning/stop", nil)
}

// ApplyLearning installs what a run proposes, and begins the swap to it.
func (c *Client) ApplyLearning(ctx context.Context, number int) (Swap, error) {
	return ask[Swap](ctx, c, http.MethodPost, fmt.Sprintf("/v1/learning/runs/%d/apply", number), nil)
}

// RollBackLearning goes back to the encoder before the learned one that serves.
func (c *Client) RollBackLearning(ctx context.Context) (Swap, error) {
	return ask[Swap](ctx, c, http.MethodPost, "/v1/learning/rollback", nil)
}

// Suggestions asks for learned tags that wait to be accepted or refused.
func (c *Client) Suggestions(ctx context.Context, asked SuggestionsRequest) (SuggestionList, error) {
	values := pageOf(asked.Tag, asked.Photo, asked.Limit, asked.Cursor)
	values.Set("least", strconv.FormatFloat(asked.Least, 'f', -1, 64))
	return ask[SuggestionList](ctx, c, http.MethodGet, "/v1/suggestions?"+values.Encode(), nil)
}

// Refusals asks for suggestions that were refused.
func (c *Client) Refusals(ctx context.Context, asked RefusalsRequest) (RefusalList, error) {
	values := pageOf(asked.Tag, asked.Photo, asked.Limit, asked.Cursor)
	return ask[RefusalList](ctx, c, http.MethodGet, "/v1/suggestions/refused?"+values.Encode(), nil)
}

// pageOf are the parameters that say which tags on which photos are asked for.
func pageOf(tag string, photo int64, limit int, cursor string) url.Values {
	values := url.Values{}
	if tag != "" {
		values.Set("tag", tag)
	}
	if photo != 0 {
		values.Set("photo", strconv.FormatInt(photo, 10))
	}
	if limit != 0 {
		values.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		values.Set("cursor", cursor)
	}
	return values
}

// AcceptSuggestions makes suggestions the user's tags, refused ones too, at most 1,000.
func (c *Client) AcceptSuggestions(ctx context.Context, named []PhotoTag) (SuggestionsTaken, error) {
	return c.takeSuggestions(ctx, "accept", named)
}

// RefuseSuggestions takes suggestions away until that is taken back, at most 1,000.
func (c *Client) RefuseSuggestions(ctx context.Context, named []PhotoTag) (SuggestionsTaken, error) {
	return c.takeSuggestions(ctx, "refuse", named)
}

// UnrefuseSuggestions has refused suggestions suggested again, at most 1,000.
func (c *Client) UnrefuseSuggestions(ctx context.Context, named []PhotoTag) (SuggestionsTaken, error) {
	return c.takeSuggestions(ctx, "unrefuse", named)
}

func (c *Client) takeSuggestions(ctx context.Context, how string, named []PhotoTag) (SuggestionsTaken, error) {
	return ask[SuggestionsTaken](ctx, c, http.MethodPost, "/v1/suggestions/"+how, SuggestionsNamed{Suggestions: named})
}
