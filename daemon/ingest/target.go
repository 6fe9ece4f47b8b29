package ingest

import (
	"context"
	"sync/atomic"

	"vsed/daemon/catalogue"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// A Target is an encoder and the space that it fills.
type Target struct {
	// Serves says that search asks this space: files are set aside by what its
	// encoder says. What another encoder cannot take is refused in its space only.
	Serves      bool
	Space       *catalogue.Space
	Encoder     *host.EncoderHost
	Description *contract.EncoderDescription
	// Check fails where the encoder does not work whatever the photo: photos
	// are then not blamed.
	Check func(context.Context) error
}

// A target is a Target with what is on its way to it.
type target struct {
	Target
	decoded    chan picture
	rate       rate
	projecting atomic.Bool // vectors are made from stored features: the others wait until that is done
}

// A job is a file to be decoded for some targets.
type job struct {
	catalogue.WaitingFile
	into []*target
}

// A picture is a decoded photo that needs a vector of one target.
type picture struct {
	job
	pixels []byte // as the target's PictureFormat says
}

// encodedElsewhere says that the file is wanted only by a space that does not
// serve, of a photo that is known.
func (j job) encodedElsewhere() bool { return !j.into[0].Serves && j.Photo != 0 }

// formats are what the job's targets take.
func (j job) formats() []*contract.PictureFormat {
	formats := make([]*contract.PictureFormat, len(j.into))
	for i, one := range j.into {
		formats[i] = one.Description.Picture
	}
	return formats
}

func (j job) spaces() []*catalogue.Space {
	spaces := make([]*catalogue.Space, len(j.into))
	for i, one := range j.into {
		spaces[i] = one.Space
	}
	return spaces
}
