package daemon

import (
	"context"

	"vsed/daemon/api"
	"vsed/daemon/sidecar"
)

// writeSidecars keeps the XMP files beside the photos true to the user's tags,
// where the configuration wants it.
func (d *daemon) writeSidecars(ctx context.Context) error {
	if !d.Config.Tags.WriteSidecars {
		return nil
	}
	return sidecar.NewWriter(d.catalogue, d.keeper, d.Log).Run(ctx)
}

// unreadableSidecars counts the sidecars that cannot be read, and names some.
func (d *daemon) unreadableSidecars(ctx context.Context) (count int64, some []api.UnreadableSidecar, err error) {
	count, found, err := d.catalogue.SidecarProblems(ctx, sidecarsShown)
	for _, one := range found {
		some = append(some, api.UnreadableSidecar{Path: api.NewPath(one.Path), Reason: one.Problem, NextAttempt: moment(one.NextAttempt)})
	}
	return count, some, err
}
