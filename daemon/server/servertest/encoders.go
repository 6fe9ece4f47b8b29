package servertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"vsed/daemon/api"
)

// An Encoders is a server.Encoders in memory. Its fields are set before it is
// served.
type Encoders struct {
	Installed []api.InstalledEncoder
	// Report is given for each test and installation.
	Report api.EncoderTest
	// Uploaded notes what was sent.
	Uploaded []byte

	mutex sync.Mutex
	now   api.Swap
	next  []api.Swap // what swaps asked for later are given, one each
}

// SetSwap sets the swap, and what each later question about it finds, the last
// of them for good. A command is such a question too; without a next one it
// changes the swap itself.
func (e *Encoders) SetSwap(now api.Swap, next ...api.Swap) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.now, e.next = now, next
}

// Encoders implements server.Encoders.
func (e *Encoders) Encoders(context.Context) ([]api.InstalledEncoder, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.Installed, nil
}

// Encoder implements server.Encoders.
func (e *Encoders) Encoder(_ context.Context, name string) (api.InstalledEncoder, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	at := slices.IndexFunc(e.Installed, func(one api.InstalledEncoder) bool { return one.Name == name })
	if at < 0 {
		return api.InstalledEncoder{}, api.NewError(http.StatusNotFound, fmt.Sprintf("no encoder %q is installed", name))
	}
	return e.Installed[at], nil
}

// TestEncoder implements server.Encoders.
func (e *Encoders) TestEncoder(ctx context.Context, name string) (api.EncoderTest, error) {
	_, err := e.Encoder(ctx, name)
	return e.Report, err
}

// InstallEncoder implements server.Encoders.
func (e *Encoders) InstallEncoder(_ context.Context, name string, archive io.Reader) (api.EncoderTest, error) {
	content, err := io.ReadAll(archive)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.Uploaded = content
	e.Installed = append(e.Installed, api.InstalledEncoder{Name: name, State: api.EncoderInstalled})
	return e.Report, err
}

// RemoveEncoder implements server.Encoders.
func (e *Encoders) RemoveEncoder(ctx context.Context, name string) error {
	if _, err := e.Encoder(ctx, name); err != nil {
		return err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.Installed = slices.DeleteFunc(e.Installed, func(one api.InstalledEncoder) bool { return one.Name == name })
	return nil
}

// Swap implements server.Encoders.
func (e *Encoders) Swap(context.Context) (api.Swap, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	now := e.now
	if len(e.next) > 0 {
		e.now, e.next = e.next[0], e.next[1:]
	}
	return now, nil
}

// UseEncoder implements server.Encoders: the swap is encoding at once.
func (e *Encoders) UseEncoder(ctx context.Context, name string, now bool) error {
	if _, err := e.Encoder(ctx, name); err != nil {
		return err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.next) == 0 {
		e.now.Stage, e.now.To, e.now.Now = api.SwapEncoding, name, now
	}
	return nil
}

// PauseSwap implements server.Encoders.
func (e *Encoders) PauseSwap(_ context.Context, paused bool) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.now.Stage = api.SwapEncoding
	if paused {
		e.now.Stage = api.SwapPaused
	}
	return nil
}

// RollBack implements server.Encoders.
func (e *Encoders) RollBack(context.Context) error {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.next) == 0 {
		e.now = api.Swap{Stage: api.SwapNone, Last: &api.SwapReport{From: e.now.To, To: e.now.From, RollBack: true}}
	}
	return nil
}
