package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// States of an installed encoder.
const (
	EncoderServing   = "serving"
	EncoderIncoming  = "incoming"  // a swap to it is under way
	EncoderKept      = "kept"      // served before; its vectors are kept
	EncoderInstalled = "installed" // has no vectors
)

// An InstalledEncoder is an encoder that can be used.
type InstalledEncoder struct {
	Name    string `json:"name"`
	State   string `json:"state" enum:"serving,incoming,kept,installed"`
	Fixed   bool   `json:"fixed" doc:"comes with vsed or its configuration: it cannot be removed"`
	Model   string `json:"model,omitempty" doc:"what its bundle calls itself"`
	Version string `json:"version,omitempty"`
	Licence string `json:"licence,omitempty"`
	Space   string `json:"space,omitempty" doc:"of its vectors; absent where it has none"`
	Bytes   int64  `json:"bytes" doc:"of its bundle on the disk"`
	// Coverage is given where the encoder has vectors.
	Coverage *Coverage `json:"coverage,omitempty"`
	// Learned is given where one encoder is asked for.
	Learned *LearningRun `json:"learned,omitempty" doc:"the run that made it, where it was learned here and the run is kept"`
}

// EncoderList is the answer of GET /v1/encoders.
type EncoderList struct {
	Encoders []InstalledEncoder `json:"encoders"`
}

// Coverage accounts for the files that an encoder should have vectors of: the
// sum is the library, without missing and ignored files.
type Coverage struct {
	Encoded  int64 `json:"encoded"`
	Waiting  int64 `json:"waiting"`
	SetAside int64 `json:"set_aside" doc:"could not be decoded or encoded"`
	Offline  int64 `json:"offline" doc:"without a vector, in a folder that is not there now"`
}

// Total is the sum of the counts.
func (c Coverage) Total() int64 { return c.Encoded + c.Waiting + c.SetAside + c.Offline }

// An EncoderTest is the report of an encoder's self-test.
type EncoderTest struct {
	Name         string           `json:"name"`
	Passed       bool             `json:"passed"`
	Failure      string           `json:"failure,omitempty" doc:"why it did not pass, in one line"`
	Model        string           `json:"model"`
	Version      string           `json:"version"`
	Space        string           `json:"space"`
	BundleDigest string           `json:"bundle_digest"`
	Sessions     []EncoderSession `json:"sessions"`
	Checks       []EncoderCheck   `json:"checks"`
	PictureMS    float64          `json:"picture_ms" doc:"of one picture in a full batch"`
	TextMS       float64          `json:"text_ms" doc:"of one sentence alone"`
	Memory       int64            `json:"memory_bytes"`
}

// An EncoderSession says where a part of an encoder ran.
type EncoderSession struct {
	Name      string `json:"name"`
	Provider  string `json:"provider"`
	Precision string `json:"precision"`
	Fallback  string `json:"fallback,omitempty" doc:"why the first provider asked for does not run it"`
}

// An EncoderCheck is one line of a self-test.
type EncoderCheck struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"`
}

// Stages of a swap.
const (
	SwapNone     = "none"
	SwapTesting  = "testing"
	SwapEncoding = "encoding"
	SwapPaused   = "paused"
	SwapOffline  = "waiting for folders"
	SwapIndexing = "indexing"
)

// A Swap is a change of encoders that is under way, or how the last one ended.
type Swap struct {
	Stage       string   `json:"stage" enum:"none,testing,encoding,paused,waiting for folders,indexing"`
	From        string   `json:"from,omitempty"`
	To          string   `json:"to,omitempty"`
	Now         bool     `json:"now,omitempty" doc:"it does not wait for folders that are offline"`
	Coverage    Coverage `json:"coverage" doc:"of the incoming encoder"`
	Rate        float64  `json:"rate" doc:"photos encoded a second"`
	SecondsLeft float64  `json:"seconds_left,omitempty" doc:"an estimate; absent where nothing moves"`
	Offline     []Path   `json:"offline_folders" doc:"folders that are waited for"`
	Problem     string   `json:"problem,omitempty" doc:"why it does not go on"`
	// Last tells how the swap before ended.
	Last *SwapReport `json:"last,omitempty"`
}

// A SwapReport says how a swap ended.
type SwapReport struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	At       string   `json:"at" format:"date-time"`
	RollBack bool     `json:"roll_back,omitempty"`
	Failed   string   `json:"failed,omitempty" doc:"why the encoder was not changed"`
	Coverage Coverage `json:"coverage"`
	Offline  []Path   `json:"offline_folders"`
}

// A SwapRequest asks for another encoder.
type SwapRequest struct {
	Encoder string `json:"encoder" minLength:"1" maxLength:"64"`
	Now     bool   `json:"now,omitempty" doc:"cut over without the folders that are offline"`
}

// Encoders asks for the installed encoders.
func (c *Client) Encoders(ctx context.Context) ([]InstalledEncoder, error) {
	list, err := ask[EncoderList](ctx, c, http.MethodGet, "/v1/encoders", nil)
	return list.Encoders, err
}

// Encoder asks for one installed encoder.
func (c *Client) Encoder(ctx context.Context, name string) (InstalledEncoder, error) {
	return ask[InstalledEncoder](ctx, c, http.MethodGet, encoderRoute(name, ""), nil)
}

// TestEncoder runs the self-test of an installed encoder. An encoder that fails
// it is no error.
func (c *Client) TestEncoder(ctx context.Context, name string) (EncoderTest, error) {
	return ask[EncoderTest](ctx, c, http.MethodPost, encoderRoute(name, "/test"), nil)
}

// InstallEncoder sends a tar archive: SHA256SUMS first, then the files that it
// names. The encoder is installed when it passed its self-test.
func (c *Client) InstallEncoder(ctx context.Context, name string, archive io.Reader) (EncoderTest, error) {
	return upload[EncoderTest](ctx, c, http.MethodPut, encoderRoute(name, ""), "application/x-tar", archive)
}

// RemoveEncoder deletes an installed encoder and its vectors.
func (c *Client) RemoveEncoder(ctx context.Context, name string) error {
	_, err := ask[struct{}](ctx, c, http.MethodDelete, encoderRoute(name, ""), nil)
	return err
}

// Swap asks how far a swap is.
func (c *Client) Swap(ctx context.Context) (Swap, error) {
	return ask[Swap](ctx, c, http.MethodGet, "/v1/swap", nil)
}

// UseEncoder begins a swap.
func (c *Client) UseEncoder(ctx context.Context, request SwapRequest) (Swap, error) {
	return ask[Swap](ctx, c, http.MethodPost, "/v1/swap", request)
}

// SwapCommand pauses, resumes or rolls back: "pause", "resume", "rollback".
func (c *Client) SwapCommand(ctx context.Context, command string) (Swap, error) {
	return ask[Swap](ctx, c, http.MethodPost, "/v1/swap/"+command, nil)
}

func encoderRoute(name, below string) string { return "/v1/encoders/" + url.PathEscape(name) + below }
