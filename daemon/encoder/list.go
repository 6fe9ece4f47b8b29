package encoder

import (
	"context"
	"slices"

	"vsed/plugins/selftest"
)

// States of an installed encoder.
const (
	Serving  = "serving"
	Incoming = "incoming" // a swap to it is under way
	Kept     = "kept"     // served before; its vectors are kept
	Idle     = "installed"
)

// A Known is an installed encoder with what it is at present.
type Known struct {
	Installed
	State string
	Space string // of its vectors; "" where it has none
	Covers
}

// List gives the installed encoders, the default first, then by name.
func (m *Manager) List(ctx context.Context) ([]Known, error) {
	installed, err := m.Shelf.List()
	if err != nil {
		return nil, err
	}
	m.spaces.RLock()
	defer m.spaces.RUnlock()
	current := m.copyState()
	known := make([]Known, len(installed))
	for i, one := range installed {
		known[i] = Known{Installed: one, State: Idle}
		known[i].State, known[i].Space = current.of(one.Name)
		if err := m.cover(ctx, &known[i]); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// of gives what an encoder is, and the space that it fills.
func (s *state) of(name string) (is, space string) {
	named := func(one served) bool { return one.Name == name }
	switch {
	case s.Serving.Name == name:
		return Serving, s.Serving.Space
	case s.Swap != nil && s.Swap.To == name:
		return Incoming, s.Swap.Space
	}
	if at := slices.IndexFunc(s.Earlier, named); at >= 0 {
		return Kept, s.Earlier[at].Space
	}
	if at := slices.IndexFunc(s.Spare, named); at >= 0 {
		return Idle, s.Spare[at].Space
	}
	return Idle, ""
}

func (m *Manager) cover(ctx context.Context, known *Known) error {
	if known.Space == "" {
		return nil
	}
	space, err := m.Catalogue.Space(ctx, known.Space)
	if err != nil {
		return err
	}
	known.Covers, err = m.coverage(ctx, space)
	return err
}

// Known fails with an *UnknownError where no encoder of the name is installed.
func (m *Manager) Known(name string) error {
	_, err := m.Shelf.Find(name)
	return err
}

// Test runs the self-test of an installed encoder in a process of its own. The
// report is complete up to the check that failed; the error is then a
// *selftest.Failure.
func (m *Manager) Test(ctx context.Context, name string) (selftest.Report, error) {
	installed, err := m.Shelf.Find(name)
	if err != nil {
		return selftest.Report{}, err
	}
	started, report, err := m.test(ctx, installed)
	if failed := started.Close(); err == nil {
		err = failed
	}
	return report, err
}
