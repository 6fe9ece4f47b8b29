package search

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"vsed/plugins/contract"
)

// keptPictures is how many pictures from outside the library are remembered: some
// 3 kB each.
const keptPictures = 64

// PicturePrefix begins the name of a picture from outside the library; its
// SHA-256 in hexadecimal follows.
const PicturePrefix = "sha256:"

// ErrNoEncoder says that no encoder can look at a picture now.
var ErrNoEncoder = errors.New("no encoder has been ready yet; `vsectl status` says why")

// ErrAnotherEncoder says that a picture was decoded for an encoder that gave way.
var ErrAnotherEncoder = errors.New("another encoder has just taken over: send the picture again")

// A PictureEncoder turns pictures into vectors of one space.
type PictureEncoder interface {
	EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error)
}

// pictures are the vectors of the pictures that were sent to one generation.
type pictures struct {
	mutex sync.Mutex
	list  []sentPicture // the last used one last
}

type sentPicture struct {
	name   string
	vector []float32
}

// Remember takes a picture, decoded as the encoder of the space wants it, for a while:
// a like: with its name, which begins with PicturePrefix, then asks for photos that look
// like it. After another encoder has taken over it must be sent again.
func (e *Engine) Remember(ctx context.Context, space, name string, pixels []byte) error {
	serving := e.await(ctx)
	if serving == nil {
		return ErrNoEncoder
	}
	defer serving.queries.Done()
	if serving.Index.space.Name() != space {
		return ErrAnotherEncoder
	}
	encoder, ok := serving.Encoder.(PictureEncoder)
	if !ok {
		return ErrNoEncoder
	}
	embeddings, err := encoder.EncodePictures(ctx, [][]byte{pixels})
	if err != nil {
		return err
	}
	serving.pictures.put(sentPicture{name, embeddings[0].GetVector()})
	return nil
}

func (p *pictures) put(one sentPicture) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.list = slices.DeleteFunc(p.list, func(other sentPicture) bool { return other.name == one.name })
	if len(p.list) == keptPictures {
		p.list = slices.Delete(p.list, 0, 1)
	}
	p.list = append(p.list, one)
}

// vector gives that of a picture that was sent.
func (p *pictures) vector(name string) ([]float32, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	at := slices.IndexFunc(p.list, func(one sentPicture) bool { return strings.EqualFold(one.name, name) })
	if at < 0 {
		return nil, &LikeError{name, "this picture is not known, or no longer: send it to POST /v1/pictures, as `vsectl search` does with a file"}
	}
	one := p.list[at]
	p.list = append(slices.Delete(p.list, at, at+1), one)
	return one.vector, nil
}
