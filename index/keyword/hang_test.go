package keyword

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/blevesearch/bleve/v2"
)

type whole = bleve.Index

// A hanging index takes a batch, at once or never, and never writes it.
type hanging struct {
	whole
	taken chan struct{} // closed: at once
}

func (h hanging) Batch(*bleve.Batch) error {
	<-h.taken
	return nil
}

func TestAWriteThatHangsIsGivenUp(t *testing.T) {
	x := openFive(t)
	for _, takes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, taken := newStore(t.TempDir(), false), make(chan struct{})
			s.bleve = hanging{x.store.bleve, taken}
			if takes {
				close(taken)
			} else {
				defer close(taken)
			}
			if err := s.write(x.store.bleve.NewBatch()); !errors.Is(err, errHangs) || s.sound() {
				t.Errorf("got %v", err)
			}
		})
	}
}
