package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"vsed/daemon/catalogue"
	"vsed/daemon/folders"
	"vsed/daemon/thumbnail"
	"vsed/daemon/watch"
	"vsed/plugins/host"
)

// decode takes files one at a time through one decoder plugin.
func (p *Pipeline) decode(ctx context.Context, decoder *host.DecoderHost, files <-chan job) error {
	for {
		select {
		case file := <-files:
			if err := p.decodeUntilDone(ctx, decoder, file); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// decodeUntilDone tries until the file is decoded, set aside or left to a
// later turn; only the end of the context is an error.
func (p *Pipeline) decodeUntilDone(ctx context.Context, decoder *host.DecoderHost, file job) error {
	for {
		pictures, err := p.decodeOne(ctx, decoder, &file)
		var unavailable *host.UnavailableError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && len(pictures) == 0:
			p.land(file.ID)
			return nil
		case err == nil:
			return p.handOver(ctx, pictures)
		case errors.As(err, &unavailable):
			if err := pause(ctx, max(pausePlugin, unavailable.RetryAfter)); err != nil {
				return err
			}
		default:
			again, err := p.settle(ctx, file, err)
			if err != nil {
				return err
			}
			if !again {
				p.land(file.ID)
				return nil
			}
		}
	}
}

// handOver gives the pictures of one file to their targets.
func (p *Pipeline) handOver(ctx context.Context, pictures []picture) error {
	p.fork(pictures[0].ID, len(pictures))
	for _, next := range pictures {
		select {
		case next.into[0].decoded <- next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// decodeOne gives the pictures to encode, one for each target that needs one.
// It notes in file the stat of what it opened.
func (p *Pipeline) decodeOne(ctx context.Context, decoder *host.DecoderHost, file *job) ([]picture, error) {
	photo, info, err := p.folders.OpenPhoto(ctx, file.FolderID, file.Folder, file.Path)
	if err != nil {
		return nil, &openError{err}
	}
	defer photo.Close()
	file.Stat = folders.Stat(info)
	if err := p.catalogue.Observe(ctx, file.FolderID, []catalogue.Observation{{Path: file.Path, Stat: file.Stat}}); err != nil {
		return nil, err
	}
	if file.Known && file.Photo == 0 {
		if done, err := p.recognise(ctx, decoder, *file, photo); err != nil || done {
			return nil, err
		}
	}
	decoded, err := decoder.Decode(ctx, photo, p.request(*file))
	if err != nil {
		return nil, p.stalled(ctx, *file, err)
	}
	p.log.Debug("decoded a photo", "file", file.ID)
	if changed, err := p.changed(ctx, *file, photo); err != nil || changed {
		return nil, err
	}
	return p.identify(ctx, *file, decoded)
}

// changed reports whether a file was written to since it was opened: what was read
// may then be of two contents, and has another size than was noted. It goes on waiting.
func (p *Pipeline) changed(ctx context.Context, file job, photo *os.File) (bool, error) {
	info, err := p.folders.Restat(ctx, file.FolderID, file.Folder, photo)
	if err != nil {
		return false, &openError{err}
	}
	now := folders.Stat(info)
	if now.Size == file.Stat.Size && now.ModifiedNanos == file.Stat.ModifiedNanos {
		return false, nil
	}
	return true, p.catalogue.Observe(ctx, file.FolderID, []catalogue.Observation{{Path: file.Path, Stat: now}})
}

// stalled finds out whether a decoder that took too long only waited for a
// filesystem that hangs.
func (p *Pipeline) stalled(ctx context.Context, file job, failure error) error {
	var timeout *host.TimeoutError
	if !errors.As(failure, &timeout) {
		return failure
	}
	if err := p.folders.Sound(ctx, file.FolderID, file.Folder); errors.Is(err, watch.ErrNotAnswering) {
		return &awayError{err}
	}
	return failure
}

// recognise spares the decode where a photo of the same size is known: the
// digest tells whether it is the same.
func (p *Pipeline) recognise(ctx context.Context, decoder *host.DecoderHost, file job, photo *os.File) (done bool, err error) {
	decoded, err := decoder.Decode(ctx, photo, host.DecodeRequest{Name: filepath.Base(file.Path)})
	if err != nil {
		return false, err
	}
	if changed, err := p.changed(ctx, file, photo); err != nil || changed {
		return changed, err
	}
	if done, err = p.catalogue.Recognise(ctx, file.ID, file.Stat, decoded.Digest, file.spaces()...); err != nil || done {
		return done, err
	}
	_, err = photo.Seek(0, io.SeekStart) // the plugin shares the offset
	return false, err
}

func (p *Pipeline) request(file job) host.DecodeRequest {
	request := host.DecodeRequest{Name: filepath.Base(file.Path), Pictures: file.formats()}
	if p.thumbnails != nil {
		request.ThumbnailSide = thumbnail.Side
	}
	return request
}

func (p *Pipeline) identify(ctx context.Context, file job, decoded *host.Decoded) (pictures []picture, err error) {
	if p.thumbnails != nil && !p.thumbnails.Has(decoded.Digest) {
		if err := p.thumbnails.Write(decoded.Digest, decoded.Thumbnail); err != nil {
			return nil, err
		}
	}
	id, lacking, err := p.catalogue.Identify(ctx, file.ID, file.Stat, content(decoded, file.Stat.Size), file.spaces()...)
	if err != nil {
		return nil, err
	}
	file.Photo = id
	for i, one := range file.into {
		if slices.Contains(lacking, one.Space) {
			pictures = append(pictures, picture{job: job{file.WaitingFile, []*target{one}}, pixels: decoded.Pictures[i]})
		}
	}
	return pictures, nil
}

func content(decoded *host.Decoded, size int64) catalogue.Content {
	metadata := decoded.Metadata
	return catalogue.Content{
		Digest: decoded.Digest, Size: size, Format: metadata.Format, Width: int(metadata.Width), Height: int(metadata.Height),
		PerceptualHash: decoded.PerceptualHash,
		Metadata: catalogue.Metadata{
			Taken: metadata.Taken, TakenOffset: metadata.TakenOffset, TakenSource: int(metadata.TakenSource),
			Camera: metadata.Camera, Lens: metadata.Lens,
			Located: metadata.Located, Latitude: metadata.Latitude, Longitude: metadata.Longitude,
			Title: metadata.Title, Description: metadata.Description, Rating: int(metadata.Rating), Keywords: metadata.Keywords,
		},
	}
}

// settle decides what a failure means for the file and reports whether to try
// it again at once. A verdict on the photo sets it aside; a failure of the
// plugin counts against it, since the photo may be the cause. After anything
// else the file goes on waiting. Only the end of the context is an error.
func (p *Pipeline) settle(ctx context.Context, file job, failure error) (again bool, err error) {
	switch verdict, reason := judge(failure); verdict {
	case vanished:
		err = p.vanished(ctx, file.WaitingFile)
	case refused:
		err = p.setAside(ctx, file, reason, 0)
	case forbidden:
		err = p.setAsideAwhile(ctx, file, reason)
	case unread:
		err = p.unread(ctx, file, reason)
	case suspect:
		p.log.Warn("a plugin failed on a photo", "file", file.ID, "error", failure)
		var attempts int
		if attempts, err = p.catalogue.Failed(ctx, file.WaitingFile); err == nil && attempts < maxAttempts && attempts > 0 {
			return true, nil
		}
		if err == nil && attempts > 0 {
			err = p.setAside(ctx, file, fmt.Sprintf("%s (%d attempts)", reason, attempts), suspectPause(attempts))
		}
	default:
		err = failure
	}
	p.unencoded.Store(true) // it may wait for its vector only, or another copy of its photo does
	var away *awayError
	if errors.As(err, &away) && ctx.Err() == nil {
		p.log.Warn("a folder cannot be read; its files go on waiting", "folder", file.FolderID, "error", withoutPath(err), "pause", pauseFolder)
		p.rest(diskOf(file.WaitingFile))
		return false, nil
	}
	if err == nil || ctx.Err() != nil {
		p.trouble.Store(nil)
		return false, ctx.Err()
	}
	p.log.Error("the disk or the catalogue fails; the file goes on waiting", "file", file.ID, "error", withoutPath(err), "pause", pauseCatalogue)
	line := withoutPath(err).Error()
	p.trouble.Store(&line)
	return false, pause(ctx, pauseCatalogue)
}

// suspectPause is how long a photo that brought a plugin down rests: an hour,
// then twice as long each time, a week at most.
func suspectPause(attempts int) time.Duration {
	return min(time.Hour<<max(0, attempts-maxAttempts), 7*24*time.Hour)
}

// withoutPath gives what the system said of a file, without its name: paths
// are not for the log.
func withoutPath(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// vanished notes that the file is gone, unless its whole folder is: that is
// for the keeper of the folder to judge.
func (p *Pipeline) vanished(ctx context.Context, file catalogue.WaitingFile) error {
	gone, err := p.folders.Gone(ctx, file.FolderID, file.Folder, file.Path)
	if err != nil {
		return &awayError{err}
	}
	if !gone {
		return nil
	}
	return p.catalogue.Vanished(ctx, file.FolderID, []string{file.Path})
}

// unread sets aside for a while what gives an error in a folder that gives none.
func (p *Pipeline) unread(ctx context.Context, file job, reason string) error {
	if err := p.folders.Sound(ctx, file.FolderID, file.Folder); err != nil {
		return &awayError{err}
	}
	return p.setAsideAwhile(ctx, file, reason)
}

// setAsideAwhile sets aside what may be read another time. That is no word of an
// encoder: the space that wants a photo which another one has goes on to want it.
func (p *Pipeline) setAsideAwhile(ctx context.Context, file job, reason string) error {
	if file.encodedElsewhere() {
		p.underway.Lock()
		defer p.underway.Unlock()
		p.later[file.ID] = struct{}{}
		return nil
	}
	return p.setAside(ctx, file, reason, forbiddenPause)
}

// setAside puts the file into quarantine. One that the encoder that serves has a
// vector of goes on to be found: only the other target's space does without it.
func (p *Pipeline) setAside(ctx context.Context, file job, reason string, pause time.Duration) error {
	p.log.Info("a file was set aside", "file", file.ID, "reason", reason)
	if file.encodedElsewhere() {
		return file.into[0].Space.Refuse(ctx, file.Photo, reason)
	}
	return p.catalogue.Quarantine(ctx, file.WaitingFile, reason, pause)
}

// An openError is a failure to open a photo, as against one of the plugin or
// of the catalogue.
type openError struct{ error }

func (e *openError) Unwrap() error { return e.error }

// An awayError says that a whole folder cannot be read at present.
type awayError struct{ error }

func (e *awayError) Unwrap() error { return e.error }

// A verdict is what a failure says of the file.
type verdict int

const (
	elsewhere verdict = iota // not the file's fault: the folder, the state's disk, the catalogue
	vanished                 // there is no such photo any more
	refused                  // it would be the same another time
	forbidden                // it may be let in later, by its owner
	unread                   // its disk or server gives an error, for it or for the whole folder
	suspect                  // it may have brought the plugin down
)

func judge(failure error) (verdict, string) {
	var rejected *host.RejectedError
	var crash *host.CrashError
	var timeout *host.TimeoutError
	var reply *host.ReplyError
	var open *openError
	switch {
	case errors.As(failure, &rejected):
		return refused, rejected.Reason
	case errors.As(failure, &crash), errors.As(failure, &timeout), errors.As(failure, &reply):
		return suspect, failure.Error()
	case errors.As(failure, &open):
		return judgeOpen(open)
	}
	return elsewhere, ""
}

// judgeOpen takes a photo that gave way to a symbolic link for gone; the next
// scan says by which rule the link is ignored. What this system lacks at the
// moment is no verdict on the photo.
func judgeOpen(failure *openError) (verdict, string) {
	var errno syscall.Errno
	switch {
	case errors.Is(failure, fs.ErrNotExist), errors.Is(failure, syscall.ENOTDIR), errors.Is(failure, syscall.ELOOP):
		return vanished, ""
	case errors.Is(failure, watch.ErrNotRegular):
		return refused, watch.ErrNotRegular.Error()
	case errors.Is(failure, fs.ErrPermission):
		return forbidden, "permission denied: let the user that runs vsed read it"
	case errors.Is(failure, watch.ErrNotAnswering):
		return unread, ""
	case errors.Is(failure, syscall.EMFILE), errors.Is(failure, syscall.ENFILE), errors.Is(failure, syscall.ENOMEM):
		return elsewhere, ""
	case errors.As(failure, &errno):
		return unread, fmt.Sprintf("%v: see to the disk or server that it lies on", errno)
	}
	return elsewhere, ""
}
