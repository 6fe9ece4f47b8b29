package catalogue

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

// Pages of text share a part of their hash: a new one is compared with some.
func TestACrowdCostsNoMoreThanItsNewest(t *testing.T) {
	c := open(t, t.TempDir())
	const hash = 0x7777_7777_7777_0001
	check(t, c.update(t.Context(), func(w change) error {
		add := func(id int64, like uint64) {
			_, err := w.exec(`INSERT INTO photo (id, digest, format, width, height, taken, camera, change, perceptual_hash) VALUES (?, ?, '', 0, 0, '', '', 1, ?)`,
				id, binary.BigEndian.AppendUint64(nil, uint64(id)), int64(like))
			check(t, err)
			check(t, w.addHash(id, like))
		}
		group := func() int64 { return must[int64](t)(w.near(0, hash)) }
		add(1, hash^0x0001_0001_0001_0000) // three bits: only the last part is the same
		for id := int64(2); id <= crowd; id++ {
			add(id, uint64(id)*0x9e37_79b9_7f4a_0000|1)
		}
		if got := group(); got != 1 {
			t.Errorf("in the group of %d, want 1", got)
		}
		add(crowd+1, 1)
		if got := group(); got != 0 {
			t.Errorf("in the group of %d, which is too long ago", got)
		}
		return nil
	}))
}

// Of the thousands of pictures of a time-lapse each is nearly the one before.
func TestAGroupIsForgottenWithoutAStepForEachPair(t *testing.T) {
	const size = 60
	c := open(t, t.TempDir())
	folder, _ := library(t, c)
	take := func(i int) int64 {
		t.Helper()
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: fmt.Sprintf("%d.jpg", i), Stat: stat(i)}}))
		like := content(byte(i))
		like.PerceptualHash = 77
		return encode(t, c, must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0], stat(i), like)
	}
	first := take(0)
	for i := 1; i < size; i++ {
		take(i)
	}
	kept := []int64{take(size), take(size + 1)}
	var gone []string
	for i := range size {
		gone = append(gone, fmt.Sprintf("%d.jpg", i))
	}
	check(t, c.Vanished(t.Context(), folder.ID, gone))
	changes := func() (count int) {
		t.Helper()
		check(t, c.write.QueryRow(`SELECT total_changes()`).Scan(&count))
		return count
	}
	before, told := changes(), must[int64](t)(c.Change(t.Context()))
	check(t, c.Purge(t.Context(), time.Now().Add(time.Hour), time.Time{}))
	if steps := changes() - before; steps > 15*size {
		t.Errorf("%d rows were written for %d photos", steps, size)
	}
	for _, id := range kept {
		if photo := must[Photo](t)(c.Photo(t.Context(), id)); photo.Group != kept[0] || photo.Change <= told {
			t.Errorf("photo %d is in group %d (was %d, want %d), told %t", id, photo.Group, first, kept[0], photo.Change > told)
		}
	}
}
