package daemon

import (
	"context"

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
