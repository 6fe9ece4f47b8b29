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
	Returns bool `json:"returns,omitempty"`
	// Spare are vectors that no roll-back goes to, the last first: of a swap that
	// was given up, and of an encoder that came back with another space. A swap to
	// them finds what it had.
	Spare []served `json:"spare,omitempty"`
	// Doomed are spaces whose vectors are to be deleted.
	Doomed []string `json:"doomed,omitempty"`
	Swap   *plan    `json:"swap,omitempty"`
	Last   *Report  `json:"last,omitempty"`
}

// mostSpare bounds what swaps that were given up leave on the disk.
const mostSpare = 1

// A served is an encoder with the space that it filled.
type served struct {
	Name  string `json:"name"`
	Space string `json:"space"`
}

// A plan is a swap that is under way.
type plan struct {
	To      string    `json:"to"`
	Space   string    `json:"space"`
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

func load(ctx context.Context, c *catalogue.Catalogue) (s state, err error) {
	text, err := c.Setting(ctx, stateSetting)
	if err != nil || text == "" {
		return s, err
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("read which encoder serves: %w; mend or delete the setting %q of the catalogue", err, stateSetting)
	}
	return s, nil
}

// change writes a changed state before it counts, unless edit refuses.
func (m *Manager) change(ctx context.Context, edit func(*state) error) error {
	return m.changeWith(ctx, edit, func(ctx context.Context, text string) error {
		return m.Catalogue.SetSetting(ctx, stateSetting, text)
	})
}

// changeWith is change with another way to write. Changes come one after the
// other; whoever only reads the state does not wait for the disk. Once begun, a
// write outlives ctx: nobody could say whether it took place.
func (m *Manager) changeWith(ctx context.Context, edit func(*state) error, write func(context.Context, string) error) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	next := m.copyState()
	if err := edit(&next); err != nil {
		return err
	}
	if err := write(context.WithoutCancel(ctx), next.text()); err != nil {
		return fmt.Errorf("write which encoder serves: %w", err)
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.state = next
	return nil
}

func (s state) clone() state {
	s.Earlier, s.Spare, s.Doomed = slices.Clone(s.Earlier), slices.Clone(s.Spare), slices.Clone(s.Doomed)
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

// begin plans a swap; one to another encoder that is under way is given up.
func (s *state) begin(p plan) {
	s.cancel()
	s.Swap = &p
	s.take(p.served())
}

// cancel gives up the swap that is under way, if any.
func (s *state) cancel() {
	if s.Swap == nil {
		return
	}
	given := s.Swap.served()
	s.Swap = nil
	s.spare(given)
}

// serve makes another encoder the one that serves.
func (s *state) serve(next served, back bool, keep int) {
	before := s.Serving
	if before == next {
		return
	}
	s.Serving = next
	s.take(next)
	switch {
	case before.Space == "":
	case before.Name == next.Name: // it came back with another space: there is nothing to go back to
		s.spare(before)
	default:
		s.Earlier = slices.Insert(s.Earlier, 0, before)
		s.Returns = !back
	}
	s.replaced(next)
	for len(s.Earlier) > keep {
		last := s.Earlier[keep]
		s.Earlier = slices.Delete(s.Earlier, keep, keep+1)
		s.doom(last.Space)
	}
	s.Returns = s.Returns && len(s.Earlier) > 0
}

// take keeps what is to be used again from being deleted.
func (s *state) take(one served) {
	s.Spare = slices.DeleteFunc(s.Spare, func(other served) bool { return other == one })
	s.Doomed = slices.DeleteFunc(s.Doomed, func(space string) bool { return space == one.Space })
}

// replaced takes out of the earlier ones what serves, and those that its name no
// longer stands for.
func (s *state) replaced(by served) {
	earlier := s.Earlier
	s.Earlier = nil
	var gone []served
	for _, one := range earlier {
		if one.Name == by.Name {
			gone = append(gone, one)
		} else {
			s.Earlier = append(s.Earlier, one)
		}
	}
	for _, one := range gone {
		s.spare(one)
	}
}

// spare keeps vectors that nothing uses at present, as long as there are few.
func (s *state) spare(one served) {
	if one.Space == "" || s.holds(one.Space) {
		return
	}
	s.take(one)
	s.Spare = slices.Insert(s.Spare, 0, one)
	for len(s.Spare) > mostSpare {
		last := s.Spare[len(s.Spare)-1]
		s.Spare = s.Spare[:len(s.Spare)-1]
		s.doom(last.Space)
	}
}

// remove forgets an encoder that neither serves nor comes in.
func (s *state) remove(name string) {
	gone := slices.Concat(s.Earlier, s.Spare)
	named := func(one served) bool { return one.Name == name }
	s.Earlier, s.Spare = slices.DeleteFunc(s.Earlier, named), slices.DeleteFunc(s.Spare, named)
	s.Returns = s.Returns && len(s.Earlier) > 0
	for _, one := range gone {
		if one.Name == name {
			s.doom(one.Space)
		}
	}
}

// doom lets vectors be deleted that nothing uses.
func (s *state) doom(space string) {
	spare := slices.ContainsFunc(s.Spare, func(one served) bool { return one.Space == space })
	if !spare && !s.holds(space) && !slices.Contains(s.Doomed, space) {
		s.Doomed = append(s.Doomed, space)
	}
}

// uses reports whether the encoder serves, is kept or comes in.
func (s *state) uses(name string) bool {
	return s.Serving.Name == name || s.Swap != nil && s.Swap.To == name ||
		slices.ContainsFunc(s.Earlier, func(one served) bool { return one.Name == name })
}

// holds reports whether an encoder that serves, is kept or comes in uses the
// space.
func (s *state) holds(space string) bool {
	return s.Serving.Space == space || s.Swap != nil && s.Swap.Space == space ||
		slices.ContainsFunc(s.Earlier, func(one served) bool { return one.Space == space })
}

func (p plan) served() served { return served{p.To, p.Space} }
