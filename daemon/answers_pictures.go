package daemon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"golang.org/x/sys/unix"

	"vsed/daemon/api"
	"vsed/daemon/search"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// Picture takes a picture from outside the library, to search for photos that look
// like it. The bytes stay in memory, and a decoder in its sandbox is the only one
// to read them.
func (d *daemon) Picture(ctx context.Context, content io.Reader) (api.Picture, error) {
	about := d.encoding.encoders.About()
	if about == nil {
		return api.Picture{}, refuse(http.StatusServiceUnavailable, "the picture cannot be looked at: %v", search.ErrNoEncoder)
	}
	file, err := inMemory(content)
	if err != nil {
		return api.Picture{}, err
	}
	defer file.Close()
	decoded, err := d.encoding.onDemand.Decode(ctx, file, host.DecodeRequest{Name: "picture", Pictures: []*contract.PictureFormat{about.GetPicture()}})
	var rejected *host.RejectedError
	var crashed *host.CrashError
	switch {
	case errors.As(err, &rejected):
		return api.Picture{}, refuse(http.StatusUnprocessableEntity, "the picture cannot be read: %s", rejected.Reason)
	case errors.As(err, &crashed):
		return api.Picture{}, refuse(http.StatusUnprocessableEntity, "the picture cannot be read: the decoder crashed on it")
	case err != nil:
		return api.Picture{}, err
	}
	name := search.PicturePrefix + hex.EncodeToString(decoded.Digest[:])
	err = d.engine.Remember(ctx, about.GetSpace(), name, decoded.Pictures[0])
	if errors.Is(err, search.ErrNoEncoder) || errors.Is(err, search.ErrAnotherEncoder) {
		err = refuse(http.StatusServiceUnavailable, "the picture cannot be looked at: %v", err)
	}
	return api.Picture{Like: name}, err
}

// inMemory gives a file that is in no folder.
func inMemory(content io.Reader) (*os.File, error) {
	descriptor, err := unix.MemfdCreate("picture", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("take a picture: %w", err)
	}
	file := os.NewFile(uintptr(descriptor), "picture")
	_, err = io.Copy(file, content)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		err = refuse(http.StatusRequestEntityTooLarge, "the picture has more than %d MiB: send a smaller one", large.Limit>>20)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
