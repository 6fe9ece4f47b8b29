package catalogue

import (
	"encoding/binary"
	"testing"
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
