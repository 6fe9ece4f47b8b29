package ingest

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// crashPause is how soon a sidecar is tried again that brought the decoder down
// maxAttempts times.
const crashPause = 24 * time.Hour

// readSidecars reads XMP files that are new, changed or due, through a decoder:
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
	if err := p.catalogue.RetrySidecars(ctx, time.Now()); err != nil {
		return err
	}
	var after *catalogue.Sidecar
	for {
		page, err := p.catalogue.UnreadSidecars(ctx, after, feedPage)
		if err != nil || len(page) == 0 {
			return err
		}
		after = &page[len(page)-1]
		for _, sidecar := range page {
			if p.rests(disk{sidecar.FolderID, sidecar.Stat.Device}) {
				continue // its folder, or another sidecar, is looked at when something changes
			}
			err := p.readUntilDone(ctx, func() (catalogue.Sidecar, catalogue.SidecarWords, error) { return p.readSidecar(ctx, decoder, sidecar) })
			if err != nil {
				return err
			}
		}
	}
}

// readUntilDone stores what a sidecar says, or why it cannot be read: so it is
// tried again when it changes or its time has come, and not at each change of
// something else. An error is not the sidecar's.
func (p *Pipeline) readUntilDone(ctx context.Context, read func() (catalogue.Sidecar, catalogue.SidecarWords, error)) error {
	for attempt := 1; ; attempt++ {
		sidecar, words, err := read()
		var unavailable *host.UnavailableError
		switch verdict, _ := judge(err); {
		case err == nil:
			return p.catalogue.SidecarRead(ctx, sidecar, words)
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &unavailable):
			attempt--
			if err := pause(ctx, max(pausePlugin, unavailable.RetryAfter)); err != nil {
				return err
			}
		case verdict != suspect || attempt == maxAttempts:
			return p.settleSidecar(ctx, sidecar, err)
		}
	}
}

// settleSidecar decides what a failure means for the sidecar, as settle does for
// a photo.
func (p *Pipeline) settleSidecar(ctx context.Context, sidecar catalogue.Sidecar, failure error) (err error) {
	verdict, reason := judge(failure)
	again := forbiddenPause
	switch verdict {
	case vanished:
		err = p.vanished(ctx, fileOf(sidecar))
	case unread:
		if err = p.folders.Sound(ctx, sidecar.FolderID, sidecar.Folder); err != nil {
			err = &awayError{err}
		}
	case refused:
		again = 0
	case suspect:
		again = crashPause
	case elsewhere:
		err = failure
	}
	var away *awayError
	switch {
	case errors.As(err, &away) && ctx.Err() == nil:
		p.log.Warn("a folder cannot be read; its sidecars go on waiting", "folder", sidecar.FolderID, "error", withoutPath(err))
		p.rest(disk{sidecar.FolderID, sidecar.Stat.Device})
		return nil
	case err != nil || verdict == vanished:
		return err
	}
	p.log.Info("a sidecar cannot be read", "sidecar", sidecar.ID, "reason", reason)
	return p.catalogue.SidecarFailed(ctx, sidecar, cmp.Or(reason, withoutPath(failure).Error()), again)
}

func fileOf(sidecar catalogue.Sidecar) catalogue.WaitingFile {
	return catalogue.WaitingFile{FolderID: sidecar.FolderID, Folder: sidecar.Folder, Path: sidecar.Path, Stat: sidecar.Stat}
}

// readSidecar gives what a sidecar says, with the stat of what it opened.
func (p *Pipeline) readSidecar(ctx context.Context, decoder *host.DecoderHost, sidecar catalogue.Sidecar) (opened catalogue.Sidecar, words catalogue.SidecarWords, err error) {
	file, info, err := p.folders.OpenPhoto(ctx, sidecar.FolderID, sidecar.Folder, sidecar.Path)
	if err != nil {
		return sidecar, words, &openError{err}
	}
	defer file.Close()
	sidecar.Stat = folders.Stat(info)
	observation := catalogue.Observation{Path: sidecar.Path, Stat: sidecar.Stat, Sidecar: true}
	if err := p.catalogue.Observe(ctx, sidecar.FolderID, []catalogue.Observation{observation}); err != nil {
		return sidecar, words, err
	}
	metadata, err := decoder.ReadSidecar(ctx, file, filepath.Base(sidecar.Path))
	if err != nil {
		return sidecar, words, p.stalled(ctx, job{WaitingFile: fileOf(sidecar)}, err)
	}
	return sidecar, sidecarWords(metadata), nil
}

func sidecarWords(m *contract.Metadata) catalogue.SidecarWords {
	return catalogue.SidecarWords{
		Keywords: m.Keywords, Title: m.Title, Description: m.Description,
		Rating: int(m.Rating), Rated: m.Rated || m.Rating != 0, // an older decoder does not say
	}
}
