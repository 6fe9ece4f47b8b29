package encoder

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"vsed/daemon/catalogue"
)

// stateSetting is the catalogue's setting that holds a state.
const stateSetting = "encoders"

// A state is what a restart must find again.
type state struct {
	Serving served `json:"serving"`
	// Earlier are those that served before, the last first, and whose vectors
	// are kept.
	Earlier []served `json:"earlier,omitempty"`
	// Returns says that a roll-back goes to the first of Earlier: after one it
	// does not go forward again.
	Returns bool    `json:"returns,omitempty"`
	Swap    *plan   `json:"swap,omitempty"`
	Last    *Report `json:"last,omitempty"`
}

// A served is an encoder with the space that it filled.
type served struct {
	Name  string `json:"name"`
	Space string `json:"space"`
}

// A plan is a swap that is under way.
type plan struct {
	To      string    `json:"to"`
	Now     bool      `json:"now,omitempty"`       // without what is offline
	Paused  bool      `json:"paused,omitempty"`    // nothing is encoded for it
	Back    bool      `json:"roll_back,omitempty"` // with whatever vectors there are
	Started time.Time `json:"started"`
}

// A Report says how a swap ended.
type Report struct {
	From   string    `json:"from"`
	To     string    `json:"to"`
	At     time.Time `json:"at"`
	Back   bool      `json:"roll_back,omitempty"`
	Failed string    `json:"failed,omitempty"` // why it did not take place
	Covers
}

// Covers accounts for the whole library.
type Covers struct {
	Coverage catalogue.Coverage `json:"coverage"` // summed over all folders
	Offline  []string           `json:"offline_folders,omitempty"`
}

func (m *Manager) load(ctx context.Context) error {
	text, err := m.Catalogue.Setting(ctx, stateSetting)
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), &m.state); err != nil {
		return fmt.Errorf("read which encoder serves: %w; mend or delete the setting %q of the catalogue", err, stateSetting)
	}
	return nil
}

// change writes a changed state before it counts.
func (m *Manager) change(ctx context.Context, edit func(*state)) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	next := m.state.clone()
	edit(&next)
	if err := m.Catalogue.SetSetting(ctx, stateSetting, next.text()); err != nil {
		return err
	}
	m.state = next
	return nil
}

func (s state) clone() state {
	s.Earlier = slices.Clone(s.Earlier)
	if s.Swap != nil {
		swap := *s.Swap
		s.Swap = &swap
	}
	return s
}

func (s state) text() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // it holds nothing that JSON cannot
	}
	return string(text)
}

// serve makes another encoder the one that serves, and gives those whose
// vectors are kept no longer.
func (s *state) serve(next served, back bool, keep int) (forgotten []served) {
	if s.Serving == next {
		return nil
	}
	if s.Serving.Space != "" {
		s.Earlier = slices.Insert(s.Earlier, 0, s.Serving)
	}
	// An encoder of the same name and another space was installed over the one
	// before: there is nothing left to go back to.
	s.Returns = !back && s.Serving.Space != "" && s.Serving.Name != next.Name
	s.Earlier = slices.DeleteFunc(s.Earlier, func(one served) bool { return one == next })
	s.Serving = next
	if len(s.Earlier) > keep {
		forgotten = slices.Clone(s.Earlier[keep:])
		s.Earlier = s.Earlier[:keep]
	}
	return slices.DeleteFunc(forgotten, func(one served) bool { return s.holds(one.Space) })
}

// uses reports whether the encoder serves, is kept or comes in.
func (s *state) uses(name string) bool {
	return s.Serving.Name == name || s.Swap != nil && s.Swap.To == name ||
		slices.ContainsFunc(s.Earlier, func(one served) bool { return one.Name == name })
}

// holds reports whether an encoder that serves or is kept uses the space.
func (s *state) holds(space string) bool {
	return s.Serving.Space == space || slices.ContainsFunc(s.Earlier, func(one served) bool { return one.Space == space })
}
