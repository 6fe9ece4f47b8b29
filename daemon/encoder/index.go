package encoder

import (
	"context"
	"errors"
	"path/filepath"

	"vsed/daemon/search"
	"vsed/plugins/contract"
)

// An openIndex follows the catalogue for as long as an encoder uses it: two
// encoders may be of one space.
type openIndex struct {
	*search.Index
	users   int
	stop    context.CancelFunc
	stopped chan error
}

// useIndex opens the index of an encoder's space, or shares it.
func (m *Manager) useIndex(ctx context.Context, about *contract.EncoderDescription) (*search.Index, error) {
	if open, ok := m.indexes[about.GetSpace()]; ok {
		open.users++
		return open.Index, nil
	}
	space, err := m.Catalogue.Space(ctx, about.GetSpace())
	if err != nil {
		return nil, err
	}
	newest, err := m.newest(ctx, space.Name())
	if err != nil {
		return nil, err
	}
	index, err := search.OpenIndex(ctx, m.indexFolder(space.Name()), m.Catalogue, newest, space, int(about.GetDimensions()), m.Log)
	if err != nil {
		return nil, err
	}
	following, stop := context.WithCancel(ctx)
	open := &openIndex{Index: index, users: 1, stop: stop, stopped: make(chan error, 1)}
	go func() { open.stopped <- index.Follow(following) }()
	m.indexes[about.GetSpace()] = open
	m.followed[about.GetSpace()] = true
	return index, nil
}

// newest gives the newest change that the index of a space can have followed.
func (m *Manager) newest(ctx context.Context, space string) (int64, error) {
	if m.followed[space] {
		return m.Catalogue.Change(ctx)
	}
	return m.Catalogue.Opened(), nil
}

// leaveIndex closes an index that no encoder uses any more.
func (m *Manager) leaveIndex(space string) error {
	open := m.indexes[space]
	if open.users--; open.users > 0 {
		return nil
	}
	delete(m.indexes, space)
	open.stop()
	return errors.Join(<-open.stopped, open.Close())
}

func (m *Manager) indexFolder(space string) string { return filepath.Join(m.State, "vectors", space) }
