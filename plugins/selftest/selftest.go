// Package selftest judges an encoder before a vector of it is written or
// compared: the same encoder, on another machine, with another library or another
// engine, may give vectors that fit nothing, and nobody would see it.
//
// It belongs to the host's side and believes nothing that the encoder says of
// itself. It judges whether vectors are what they were and mean anything at all;
// how well an encoder finds photos is for a benchmark.
package selftest

import (
	"context"
	"fmt"
	"time"

	"vsed/plugins/contract"
)

// Encoder is what is judged: a *host.EncoderHost.
type Encoder interface {
	Describe(ctx context.Context) (*contract.EncoderDescription, error)
	Golden(ctx context.Context) (*contract.GoldenResponse, error)
	EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error)
	EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error)
	Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error)
	ProcessID() int
}

// Limits are what the box can bear. A zero field allows anything.
type Limits struct {
	PictureTime time.Duration // of one picture in a full batch
	TextTime    time.Duration // of one text alone
	Memory      int64         // bytes in memory after a full batch
}

// Report is what a test found, up to the first failure.
type Report struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	Space     string    `json:"space"`
	Digest    string    `json:"bundle_digest"`
	Sessions  []Session `json:"sessions"`
	Checks    []Check   `json:"checks"`
	PictureMS float64   `json:"picture_ms"` // of one picture in a full batch
	TextMS    float64   `json:"text_ms"`    // of one text alone
	Memory    int64     `json:"memory_bytes"`
}

// Session says where a part of the encoder runs.
type Session struct {
	Name      string `json:"name"`
	Provider  string `json:"provider"`
	Precision string `json:"precision"`
	Fallback  string `json:"fallback,omitempty"` // why the first provider asked for does not run it
}

// Check is one line of the report.
type Check struct {
	Name   string `json:"name"`
	Passed bool   `json:"passed"`
	Detail string `json:"detail"` // what was found, in one line
}

// Failure says which check an encoder failed, and how.
type Failure struct {
	Check string
	Err   error
}

func (f *Failure) Error() string { return fmt.Sprintf("self-test: %s: %v", f.Check, f.Err) }
func (f *Failure) Unwrap() error { return f.Err }

// test is a run in progress.
type test struct {
	encoder  Encoder
	limits   Limits
	alone    bool // golden pictures are encoded one by one
	about    *contract.EncoderDescription
	golden   *contract.GoldenResponse
	found    []*contract.Embedding // of the golden pictures
	pictures [][]float32           // their vectors
	texts    [][]float32           // vectors of the golden texts
	report   Report
}

// A step is one check, which gives what it found.
type step struct {
	name string
	run  func(context.Context) (detail string, err error)
}

// Run starts the encoder where it does not run, and tests it. The report is
// complete up to the check that failed; the error is then a *Failure. Where ctx
// ends, the error is its own.
func Run(ctx context.Context, encoder Encoder, limits Limits) (Report, error) {
	t := &test{encoder: encoder, limits: limits}
	return t.run(ctx, append(t.meaning(),
		step{"full batch", t.fullBatch},
		step{"picture speed", t.pictureSpeed},
		step{"text speed", t.textSpeed},
		step{"memory", t.memory},
	))
}

// Quick is the part of Run that tells whether the vectors are what they were, each
// golden input once and alone. It is for an encoder that has passed Run on this
// machine with all that it runs on; what Run measures, it does not.
func Quick(ctx context.Context, encoder Encoder) (Report, error) {
	t := &test{encoder: encoder, alone: true}
	return t.run(ctx, t.meaning())
}

// meaning are the checks of what vectors mean.
func (t *test) meaning() []step {
	return []step{
		{"start", t.start},
		{"provider", t.providers},
		{"vectors", t.vectors},
		{"not constant", t.notConstant},
		{"golden vectors", t.goldenVectors},
		{"pairs", t.pairs},
		{"projection", t.projection},
	}
}

func (t *test) run(ctx context.Context, steps []step) (Report, error) {
	for _, check := range steps {
		detail, err := check.run(ctx)
		if ctx.Err() != nil {
			return t.report, ctx.Err()
		}
		if err != nil {
			t.report.Checks = append(t.report.Checks, Check{Name: check.name, Detail: err.Error()})
			return t.report, &Failure{Check: check.name, Err: err}
		}
		t.report.Checks = append(t.report.Checks, Check{Name: check.name, Passed: true, Detail: detail})
	}
	return t.report, nil
}
