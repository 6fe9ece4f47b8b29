package optimizer

import (
	"sync"
	"sync/atomic"
)

// pieceSize is about how many numbers of a gradient are worked on at a time: small
// enough that threads end together, large enough that sharing costs nothing.
const pieceSize = 1 << 14

// piece is a part of a parameter's gradient.
type piece struct {
	place      int // in the list of pieces
	parameter  int
	begin, end int
	squares    float64
}

// cut divides the gradients of this step into pieces, tables between rows.
func (a *Adam) cut() {
	a.pieces = a.pieces[:0]
	for i, parameter := range a.parameters {
		size, length := pieceSize, len(parameter.used())
		if parameter.Width > 0 {
			size = max(1, pieceSize/parameter.Width) * parameter.Width
		}
		for begin := 0; begin < length; begin += size {
			a.pieces = append(a.pieces, piece{len(a.pieces), i, begin, min(begin+size, length), 0})
		}
	}
}

// share has the pieces worked on by as many threads as are set; each piece is one
// thread's alone.
func (a *Adam) share(work func(piece)) {
	var next atomic.Int64
	loop := func() {
		for at := int(next.Add(1)) - 1; at < len(a.pieces); at = int(next.Add(1)) - 1 {
			work(a.pieces[at])
		}
	}
	var group sync.WaitGroup
	for range a.settings.Threads - 1 {
		group.Go(loop)
	}
	loop()
	group.Wait()
}
