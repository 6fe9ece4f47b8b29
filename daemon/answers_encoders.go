package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/encoder"
	"vsed/daemon/learn"
	"vsed/plugins/selftest"
)

// Encoders lists the installed encoders.
func (d *daemon) Encoders(ctx context.Context) ([]api.InstalledEncoder, error) {
	known, err := d.encoding.encoders.List(ctx)
	if err != nil {
		return nil, err
	}
	answer := make([]api.InstalledEncoder, len(known))
	for i, one := range known {
		answer[i] = installedEncoder(one)
	}
	return answer, nil
}

// Encoder describes one installed encoder.
func (d *daemon) Encoder(ctx context.Context, name string) (api.InstalledEncoder, error) {
	all, err := d.Encoders(ctx)
	if err != nil {
		return api.InstalledEncoder{}, err
	}
	at := slices.IndexFunc(all, func(one api.InstalledEncoder) bool { return one.Name == name })
	if at < 0 {
		return api.InstalledEncoder{}, refuseEncoder(d.encoding.encoders.Known(name))
	}
	answer := all[at]
	if number, ok := learn.NumberOf(name); ok {
		answer.Learned = d.madeBy(number)
	}
	return answer, nil
}

// madeBy gives the learning run of a number; nil where it is not kept.
func (d *daemon) madeBy(number int) *api.LearningRun {
	for _, run := range d.learning.Runs() {
		if run.Number == number {
			answer := d.learningRun(run)
			return &answer
		}
	}
	return nil
}

// installedEncoder adds what the bundle says of itself, where it can be read.
func installedEncoder(known encoder.Known) api.InstalledEncoder {
	answer := api.InstalledEncoder{Name: known.Name, State: known.State, Fixed: known.Fixed, Space: known.Space}
	if known.Space != "" {
		covers := coverage(known.Coverage)
		answer.Coverage = &covers
	}
	if known.Folder == "" {
		return answer
	}
	var says struct{ Name, Version, Licence string }
	if text, err := os.ReadFile(filepath.Join(known.Folder, "manifest.json")); err == nil && json.Unmarshal(text, &says) == nil {
		answer.Model, answer.Version, answer.Licence = says.Name, says.Version, says.Licence
	}
	answer.Bytes = folderBytes(known.Folder)
	return answer
}

func folderBytes(folder string) (sum int64) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error { // what cannot be read is not counted
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// TestEncoder runs a self-test; to fail it is an answer.
func (d *daemon) TestEncoder(ctx context.Context, name string) (api.EncoderTest, error) {
	report, err := d.encoding.encoders.Test(ctx, name)
	var failure *selftest.Failure
	if err != nil && !errors.As(err, &failure) {
		return api.EncoderTest{}, refuseEncoder(err)
	}
	return encoderTest(name, report, failure), nil
}

// InstallEncoder installs what passes its self-test.
func (d *daemon) InstallEncoder(ctx context.Context, name string, archive io.Reader) (api.EncoderTest, error) {
	report, err := d.encoding.encoders.Install(ctx, name, archive)
	if err != nil {
		return api.EncoderTest{}, refuseEncoder(err)
	}
	return encoderTest(name, report, nil), nil
}

func encoderTest(name string, report selftest.Report, failure *selftest.Failure) api.EncoderTest {
	answer := api.EncoderTest{
		Name: name, Passed: failure == nil, Model: report.Name, Version: report.Version, Space: report.Space, BundleDigest: report.Digest,
		PictureMS: report.PictureMS, TextMS: report.TextMS, Memory: report.Memory,
		Sessions: make([]api.EncoderSession, len(report.Sessions)), Checks: make([]api.EncoderCheck, len(report.Checks)),
	}
	if failure != nil {
		answer.Failure = failure.Error()
	}
	for i, session := range report.Sessions {
		answer.Sessions[i] = api.EncoderSession(session)
	}
	for i, check := range report.Checks {
		answer.Checks[i] = api.EncoderCheck(check)
	}
	return answer
}

// RemoveEncoder deletes an encoder and its vectors.
func (d *daemon) RemoveEncoder(ctx context.Context, name string) error {
	return refuseEncoder(d.encoding.encoders.Remove(ctx, name))
}

// UseEncoder begins a swap.
func (d *daemon) UseEncoder(ctx context.Context, name string, now bool) error {
	return refuseEncoder(d.encoding.encoders.Use(ctx, name, now))
}

// PauseSwap pauses a swap or goes on with it.
func (d *daemon) PauseSwap(ctx context.Context, paused bool) error {
	return refuseEncoder(d.encoding.encoders.Pause(ctx, paused))
}

// RollBack goes back to the encoder before.
func (d *daemon) RollBack(ctx context.Context) error {
	return refuseEncoder(d.encoding.encoders.Rollback(ctx))
}

// refuseEncoder tells clients why an encoder cannot be used: what is wrong with
// it, or with what they asked.
func refuseEncoder(err error) error {
	var unknown *encoder.UnknownError
	var upload *encoder.BadUploadError
	var refused *encoder.RefusedError
	var failure *selftest.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		return refuse(http.StatusNotFound, "%s", err)
	case errors.As(err, &refused):
		return refuse(http.StatusConflict, "%s", err)
	case errors.As(err, &upload), errors.As(err, &failure):
		return refuse(http.StatusUnprocessableEntity, "%s", err)
	}
	return err
}

// Swap tells how far a swap is.
func (d *daemon) Swap(ctx context.Context) (api.Swap, error) {
	swap, err := d.encoding.encoders.Swap(ctx)
	if err != nil {
		return api.Swap{}, err
	}
	answer := api.Swap{Stage: swap.Stage, From: swap.From, To: swap.To, Now: swap.Now, Coverage: coverage(swap.Coverage), Offline: paths(swap.Offline)}
	if swap.Last != nil {
		last := swapReport(*swap.Last)
		answer.Last = &last
	}
	if swap.Stage == encoder.StageNone {
		return answer, nil
	}
	answer.Problem = d.encoding.encoders.Problem()
	if pipeline := d.encoding.pipeline.Load(); pipeline != nil && swap.Stage == encoder.StageEncoding {
		answer.Problem = cmp.Or(answer.Problem, pipeline.Problem())
		answer.Rate = pipeline.Rate()
		if answer.Rate > 0 {
			answer.SecondsLeft = float64(swap.Coverage.Waiting) / answer.Rate
		}
	}
	return answer, nil
}

func swapReport(last encoder.Report) api.SwapReport {
	return api.SwapReport{
		From: last.From, To: last.To, At: last.At.UTC().Format(time.RFC3339), RollBack: last.Back, Failed: last.Failed,
		Coverage: coverage(last.Coverage), Offline: paths(last.Offline),
	}
}

func coverage(c catalogue.Coverage) api.Coverage {
	return api.Coverage{Encoded: c.Encoded, Waiting: c.Waiting, SetAside: c.SetAside, Offline: c.Offline}
}

func paths(raw []string) []api.Path {
	answer := make([]api.Path, len(raw))
	for i, path := range raw {
		answer[i] = api.NewPath(path)
	}
	return answer
}
