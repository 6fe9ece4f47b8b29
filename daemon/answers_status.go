package daemon

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/encoder"
)

const (
	// quarantineShown is how many of the files set aside the status names, and
	// sidecarsShown how many of the sidecars that cannot be read.
	quarantineShown = 100
	sidecarsShown   = 100
)

// Status accounts for every file.
func (d *daemon) Status(ctx context.Context) (api.Status, error) {
	watched, err := d.Folders(ctx)
	if err != nil {
		return api.Status{}, err
	}
	status := api.Status{Version: d.Version, Folders: watched, Encoder: d.encoding.status(), Decoder: d.encoding.decoderStatus()}
	if status.Change, err = d.catalogue.Change(ctx); err != nil {
		return api.Status{}, err
	}
	set, err := d.catalogue.NewestQuarantined(ctx, quarantineShown)
	if err != nil {
		return api.Status{}, err
	}
	status.Quarantined = quarantined(set)
	if status.UnreadableSidecars, status.Sidecars, err = d.unreadableSidecars(ctx); err != nil {
		return api.Status{}, err
	}
	scanned := true
	for _, folder := range watched {
		status.Photos.Add(folder.Counts)
		scanned = scanned && (folder.State != api.FolderOnline || folder.LastScan != "")
	}
	status.Problem = d.keeper.Problem()
	pipeline := d.encoding.pipeline.Load()
	if pipeline == nil {
		return status, nil
	}
	status.Rate, status.Problem = pipeline.Rate(), cmp.Or(pipeline.Problem(), status.Problem)
	// In this order: what was counted as encoded has been announced to the
	// indexes once the pipeline is idle.
	idle := pipeline.Idle()
	caughtUp, err := d.engine.CaughtUp(ctx)
	status.Ready = scanned && status.Photos.Waiting == 0 && idle && caughtUp
	return status, err
}

func (e *encoding) status() api.Encoder {
	answer := api.Encoder{Problem: e.encoders.Problem(), Preparation: preparation(e.encoders.Prepared())}
	if about := e.encoders.About(); about != nil {
		answer.Space, answer.Name, answer.Provider = about.Space, about.Name, about.Provider
	}
	return answer
}

// preparation tells of one that goes on or did not succeed; nil otherwise.
func preparation(p encoder.Preparation) *api.Preparation {
	if p.Began.IsZero() || !p.Ended.IsZero() && p.Failed == "" {
		return nil
	}
	until := p.Ended
	if until.IsZero() {
		until = time.Now()
	}
	return &api.Preparation{
		Encoder: p.Encoder, What: p.What, Step: p.Step, Done: p.Done, Total: p.Total,
		Seconds: until.Sub(p.Began).Seconds(), Failed: p.Failed,
	}
}

// line is the status in one line, for systemd.
func (d *daemon) line(ctx context.Context, status api.Status) (string, error) {
	if status.Encoder.Problem != "" {
		return status.Encoder.Problem, nil
	}
	line := fmt.Sprintf("%d of %d photos encoded, %d set aside", status.Photos.Encoded+status.Photos.OfflineEncoded, status.Photos.Total, status.Photos.Quarantined)
	if status.Photos.Waiting > 0 {
		line += fmt.Sprintf(", %d waiting, %.0f/s", status.Photos.Waiting, status.Rate)
	}
	if p := status.Encoder.Preparation; p != nil && p.Failed == "" {
		line += fmt.Sprintf("; preparing %s: %s", p.Encoder, cmp.Or(p.Step, p.What))
		if p.Total > 0 {
			line += fmt.Sprintf(", %d of %d", p.Done, p.Total)
		}
	}
	swap, err := d.Swap(ctx)
	if err == nil && swap.Stage != api.SwapNone {
		line += "; " + swapLine(swap)
	}
	return line, err
}

func swapLine(swap api.Swap) string {
	line := fmt.Sprintf("swap to %s: %s", swap.To, swap.Stage)
	if swap.Stage == api.SwapTesting {
		return line
	}
	line += fmt.Sprintf(", %d of %d", swap.Coverage.Encoded, swap.Coverage.Total())
	if swap.Rate > 0 {
		line += fmt.Sprintf(", %.0f/s, %v left", swap.Rate, time.Duration(swap.SecondsLeft*float64(time.Second)).Round(time.Second))
	}
	return line
}

func (e *encoding) decoderStatus() api.Decoder {
	var answer api.Decoder
	if pipeline := e.pipeline.Load(); pipeline != nil {
		answer.Problem = pipeline.DecoderProblem()
	}
	if about := e.decoding.Load(); about != nil {
		answer.Name, answer.Sandbox = about.Name, about.Sandbox
	}
	return answer
}
