package daemon

import (
	"cmp"
	"context"

	"vsed/daemon/api"
)

// quarantineShown is how many of the files set aside the status names.
const quarantineShown = 100

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
	answer := api.Encoder{Problem: e.encoders.Problem()}
	if about := e.encoders.About(); about != nil {
		answer.Space, answer.Name, answer.Provider = about.Space, about.Name, about.Provider
	}
	return answer
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
