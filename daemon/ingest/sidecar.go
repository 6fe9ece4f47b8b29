package ingest

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
	"vsed/plugins/host"
)

// readSidecars reads XMP files that are new or changed, through a decoder:
// their bytes are as hostile as a photo's.
func (p *Pipeline) readSidecars(ctx context.Context, decoder *host.DecoderHost) error {
	for {
		changed := p.catalogue.Wait()
		if err := p.readUnread(ctx, decoder); err != nil && ctx.Err() == nil {
			p.log.Error("sidecars cannot be read; trying again", "error", withoutPath(err), "pause", pauseCatalogue)
			if err := pause(ctx, pauseCatalogue); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-time.After(retryInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Pipeline) readUnread(ctx context.Context, decoder *host.DecoderHost) error {
	var after int64
	for {
		page, err := p.catalogue.UnreadSidecars(ctx, after, feedPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].ID
		for _, sidecar := range page {
			keywords, problem, err := trySidecar(func() ([]string, string, error) { return p.readSidecar(ctx, decoder, sidecar) })
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				p.log.Warn("a sidecar cannot be read now; it is tried again", "sidecar", sidecar.ID, "error", withoutPath(err))
				continue
			}
			if err := p.catalogue.SidecarRead(ctx, sidecar, keywords, problem); err != nil {
				return err
			}
		}
	}
}

// trySidecar reads a sidecar again that may have brought the decoder down, and
// takes that for its problem in the end: it would do so at each look.
func trySidecar(read func() ([]string, string, error)) (keywords []string, problem string, err error) {
	for range maxAttempts {
		keywords, problem, err = read()
		verdict, reason := judge(err)
		if verdict != suspect {
			return keywords, problem, err
		}
		problem = reason
	}
	return nil, problem, nil
}

// errChanged says that a sidecar is not what was listed any more.
var errChanged = errors.New("it changed a moment ago")

// readSidecar gives the keywords, or the problem that the sidecar itself has;
// after an error it is read again.
func (p *Pipeline) readSidecar(ctx context.Context, decoder *host.DecoderHost, sidecar catalogue.Sidecar) (keywords []string, problem string, err error) {
	file, info, err := p.folders.OpenPhoto(ctx, sidecar.FolderID, sidecar.Folder, sidecar.Path)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	if folders.Stat(info) != sidecar.Stat {
		return nil, "", errChanged // the watcher will tell of it
	}
	metadata, err := decoder.ReadSidecar(ctx, file, filepath.Base(sidecar.Path))
	var rejected *host.RejectedError
	if errors.As(err, &rejected) {
		return nil, rejected.Reason, nil
	}
	if err != nil {
		return nil, "", err
	}
	return metadata.Keywords, "", nil
}
