package encoder

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var (
	one   = served{"one", "space-1"}
	two   = served{"two", "space-2"}
	three = served{"three", "space-3"}
	twin  = served{"twin", "space-1"} // another encoder of one's space
	again = served{"one", "space-9"}  // one after an upgrade
)

// swapTo carries out a whole swap.
func (s *state) swapTo(to served) {
	s.begin(plan{To: to.Name, Space: to.Space, Started: time.Now()})
	s.serve(to, false, 1)
	s.Swap = nil
}

func (s *state) goBack() {
	to := s.Earlier[0]
	s.begin(plan{To: to.Name, Space: to.Space, Back: true})
	s.serve(to, true, 1)
	s.Swap = nil
}

func TestState(t *testing.T) {
	f := func(name string, want state, steps ...func(*state)) {
		t.Helper()
		var got state
		for _, step := range steps {
			step(&got)
		}
		if !reflect.DeepEqual(normal(got), normal(want)) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got.text(), want.text())
		}
	}
	to := func(one served) func(*state) { return func(s *state) { s.swapTo(one) } }
	begin := func(one served) func(*state) {
		return func(s *state) { s.begin(plan{To: one.Name, Space: one.Space}) }
	}
	back, cancel := (*state).goBack, (*state).cancel
	remove := func(name string) func(*state) { return func(s *state) { s.remove(name) } }

	f("the first", state{Serving: one}, to(one))
	f("a swap", state{Serving: two, Earlier: []served{one}, Returns: true}, to(one), to(two))
	f("two swaps", state{Serving: three, Earlier: []served{two}, Returns: true, Doomed: []string{"space-1"}}, to(one), to(two), to(three))
	f("a roll-back", state{Serving: one, Earlier: []served{two}}, to(one), to(two), back)
	f("forward again", state{Serving: two, Earlier: []served{one}, Returns: true}, to(one), to(two), back, to(two))
	f("doomed and used again", state{Serving: one, Earlier: []served{three}, Returns: true, Doomed: []string{"space-2"}}, to(one), to(two), to(three), to(one))
	f("given up", state{Serving: one, Spare: []served{two}}, to(one), begin(two), cancel)
	f("given up twice", state{Serving: one, Spare: []served{three}, Doomed: []string{"space-2"}}, to(one), begin(two), begin(three), cancel)
	f("gone on with", state{Serving: two, Earlier: []served{one}, Returns: true}, to(one), begin(two), cancel, to(two))
	f("a roll-back given up", state{Serving: two, Earlier: []served{one}, Returns: true}, to(one), to(two), begin(one), cancel)
	f("one space", state{Serving: twin, Earlier: []served{one}, Returns: true}, to(one), to(twin))
	f("one space, then another", state{Serving: two, Earlier: []served{twin}, Returns: true}, to(one), to(twin), to(two))
	f("one space, given up", state{Serving: one}, to(one), begin(twin), cancel)
	f("one space, removed", state{Serving: twin}, to(one), to(twin), remove("one"))
	f("upgraded", state{Serving: again, Spare: []served{one}}, to(one), to(again))
	f("upgraded, with one to go back to", state{Serving: again, Earlier: []served{two}, Returns: true, Spare: []served{one}}, to(two), to(one), to(again))
	f("upgraded while kept", state{Serving: again, Earlier: []served{two}, Returns: true, Spare: []served{one}}, to(one), to(two), to(again))
	f("removed", state{Serving: two, Doomed: []string{"space-1"}}, to(one), to(two), remove("one"))
	f("removed after it was given up", state{Serving: one, Doomed: []string{"space-2"}}, to(one), begin(two), cancel, remove("two"))
}

// normal is the state as a restart finds it.
func normal(s state) (found state) {
	if err := json.Unmarshal([]byte(s.text()), &found); err != nil {
		panic(err)
	}
	return found
}

// Whatever happens in whatever order: what is used is not doomed, nothing is
// both, and no vectors are forgotten.
func TestStateLosesNoSpace(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	all := []served{one, two, three, twin, again}
	for range 500 {
		var s state
		seen := make(map[string]bool)
		for range 30 {
			next := all[random.IntN(len(all))]
			switch random.IntN(5) {
			case 0:
				s.swapTo(next)
				seen[next.Space] = true
			case 1:
				if s.Serving != next {
					s.begin(plan{To: next.Name, Space: next.Space})
					seen[next.Space] = true
				}
			case 2:
				s.cancel()
			case 3:
				if s.Swap == nil && s.Returns {
					s.goBack()
				}
			case 4:
				if s.Serving.Name != next.Name && (s.Swap == nil || s.Swap.To != next.Name) {
					s.remove(next.Name)
				}
			}
			s = normal(s)
			for space := range seen {
				spare := slices.ContainsFunc(s.Spare, func(one served) bool { return one.Space == space })
				doomed := slices.Contains(s.Doomed, space)
				if (s.holds(space) || spare) == doomed {
					t.Fatalf("%s is held %v, spare %v and doomed %v in %s", space, s.holds(space), spare, doomed, s.text())
				}
			}
			if s.Returns && len(s.Earlier) == 0 || len(s.Earlier) > 1 || len(s.Spare) > mostSpare {
				t.Fatalf("%s", s.text())
			}
		}
	}
}

func TestUseIsRefusedForWhatServes(t *testing.T) {
	s := state{Serving: one}
	if err := s.use("one", false); err == nil || err == errFit {
		t.Errorf("what serves: %v", err)
	}
	if err := s.use("two", false); err != errFit {
		t.Errorf("another: %v", err)
	}
	s.begin(plan{To: "two", Space: "space-2", Paused: true})
	if err := s.use("two", true); err != nil || !s.Swap.Now || s.Swap.Paused {
		t.Errorf("what comes in: %v, %+v", err, s.Swap)
	}
	if err := s.use("one", false); err != nil || s.Swap != nil {
		t.Errorf("back to what serves: %v, %+v", err, s.Swap)
	}
}
