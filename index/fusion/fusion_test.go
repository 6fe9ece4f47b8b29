package fusion_test

import (
	"fmt"
	"slices"
	"testing"

	"vsed/index"
	"vsed/index/fusion"
)

func list(ids ...int64) []index.Hit {
	hits := make([]index.Hit, len(ids))
	for place, id := range ids {
		hits[place] = index.Hit{ID: id, Score: float64(len(ids) - place)}
	}
	return hits
}

func TestReciprocalOrder(t *testing.T) {
	f := func(want string, lists ...[]index.Hit) {
		t.Helper()
		var got []int64
		for _, photo := range fusion.Reciprocal(lists...) {
			got = append(got, photo.ID)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	f("[]")
	f("[]", nil, nil)
	f("[3 1 2]", list(3, 1, 2))
	f("[3 1 2]", list(3, 1, 2), nil)
	f("[2 1 3]", list(1, 2), list(3, 2))       // second in both beats first in one
	f("[1 2]", list(2, 1), list(1, 2))         // a tie goes to the lower id
	f("[7 9]", list(9), list(7))               // first of the one, first of the other
	f("[1 2 3]", list(1, 1, 2), list(3, 2, 1)) // a repeated id counts once
	f("[5 -4]", list(5, -4), list(5, -4))
}

func TestReciprocalScore(t *testing.T) {
	first, second := 1/float64(61), 1/float64(62)
	want := []index.Hit{{ID: 20, Score: second + first}, {ID: 10, Score: first}}
	if got := fusion.Reciprocal(list(10, 20), list(20)); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
