// Package index holds what the searchable indexes share: the hit. The indexes
// themselves are its subfolders: vector for embeddings, keyword for words, and
// fusion, which makes one list of theirs. None of them knows the catalogue, a
// photo's path or an encoder: they hold ids and what the daemon gives them, and
// may be deleted and filled again at any time.
package index

import "cmp"

// A Hit is a photo that was found. Scores are comparable within one list only.
type Hit struct {
	ID    int64
	Score float64
}

// Compare orders hits as every index returns them: the higher score first, and
// of equal scores the lower id.
func Compare(a, b Hit) int {
	switch { // the common cases first: a search compares a hundred thousand times
	case a.Score > b.Score:
		return -1
	case a.Score < b.Score:
		return 1
	}
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
}
