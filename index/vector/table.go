package vector

// A table finds the row of an id: open addressing, four bytes a place, of which
// the upper bits hold some of the hash, so that looking for an id that is not
// there seldom touches a row. It holds addresses only; the ids are in the rows.
// A place of a row that died stays until the table is made anew.
type table struct {
	places []uint32
	used   int
	shift  uint   // of a hash, to a place
	bits   uint   // of a place, for the address and one more
	limit  uint32 // addresses below it fit
}

// newTable has room for so many more rows, at addresses in so many views.
func newTable(rows, views int) *table {
	size := 1 << bitLength(max(1024, rows*5/4))
	t := &table{places: make([]uint32, size), shift: 64 - uint(bitLength(size-1))}
	t.bits = min(32, uint(bitLength(views*segmentRows+1)))
	t.limit = uint32(views)
	return t
}

func hash(id int64) uint64 {
	numbers := splitMix(id)
	return numbers.next()
}

// full reports whether so many more rows, in so many views, need another table.
func (t *table) full(rows, views int) bool {
	return (t.used+rows)*5/4 > len(t.places) || uint32(views) > t.limit
}

// tag is the hash's part of a place.
func (t *table) tag(hash uint64) uint32 { return uint32(hash) >> t.bits << t.bits }

// find gives the address of the live row of the id.
func (t *table) find(in *snapshot, id int64) (address, bool) {
	h := hash(id)
	tag, mask := t.tag(h), uint32(1)<<t.bits-1
	for i := int(h >> t.shift); ; i = (i + 1) & (len(t.places) - 1) {
		place := t.places[i]
		if place == 0 {
			return 0, false
		}
		if place&^mask == tag && in.holds(address(place&mask-1), id) {
			return address(place&mask - 1), true
		}
	}
}

// add notes the address of a row whose id has none.
func (t *table) add(id int64, at address) {
	h := hash(id)
	i := int(h >> t.shift)
	for t.places[i] != 0 {
		i = (i + 1) & (len(t.places) - 1)
	}
	t.places[i] = t.tag(h) | uint32(at) + 1
	t.used++
}

// move notes that the row of an id is at another address.
func (t *table) move(id int64, from, to address) {
	h := hash(id)
	want := t.tag(h) | uint32(from) + 1
	i := int(h >> t.shift)
	for t.places[i] != want {
		i = (i + 1) & (len(t.places) - 1)
	}
	t.places[i] = t.tag(h) | uint32(to) + 1
}

// tableOf makes a table of every live row of the snapshot, with room for so many
// more. It reads the ids from the files: what cannot be read is an error.
func tableOf(s *snapshot, more int) (*table, error) {
	t, ids := newTable(s.live+more, 2*len(s.views)+2), make([]int64, blockRows)
	for i, v := range s.views {
		for row := range v.rows {
			if row%blockRows == 0 {
				some := ids[:min(blockRows, v.rows-row)]
				if err := v.readIDs(row/blockRows, some); err != nil {
					return nil, err
				}
			}
			if !v.dead.has(row) {
				t.add(ids[row%blockRows], addressOf(i, row))
			}
		}
	}
	return t, nil
}
