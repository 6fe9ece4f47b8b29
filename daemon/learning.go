package daemon

import (
	"context"
	"errors"
	"runtime"

	"vsed/daemon/catalogue"
	"vsed/daemon/config"
	"vsed/daemon/encoder"
	"vsed/daemon/learn"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// trainerNicer is how much a trainer gives way to all else on the CPU: as far as it
// goes, so that queries do not wait for it.
const trainerNicer = 19

// leastMemory is what a trainer may allocate on the smallest machine, in bytes.
const leastMemory = 1 << 30

// newLearning makes the part that learns from tags, over the encoders that are there.
func newLearning(d *daemon) (*learn.Manager, error) {
	path, err := besides("vsed-trainer")
	if err != nil {
		return nil, err
	}
	settings := d.Config.Learn
	return learn.New(learn.Parts{
		Library: examples{d.catalogue, d.encoding.encoders}, Encoders: d.encoding.encoders, State: d.Config.State,
		Train: func(ctx context.Context, folder string, progress func(contract.Progress)) error {
			return host.Train(ctx, trainerCommand(path, folder, memoryLimit(d.Config.Memory.Limit.Bytes)), d.Log, progress)
		},
		Announce: func(ctx context.Context) error { return d.catalogue.Announce(ctx, catalogue.LearningProposed) },
		Runtime:  d.Config.Encoder.ONNXRuntimeLibrary, Threads: runtime.NumCPU(),
		Auto: settings.Auto == config.LearnPropose, Hour: settings.Hour, Log: d.Log,
	})
}

// trainerCommand gives a run the memory that encoders may take, but no less than one
// of many thousand photos needs.
func trainerCommand(path, folder string, memory uint64) host.Command {
	return host.Command{Name: "trainer", Path: path, Args: []string{"learn", "--run", folder}, Nicer: trainerNicer, Memory: max(memory, leastMemory)}
}

// examples are the catalogue's, as a run wants them.
type examples struct {
	catalogue *catalogue.Catalogue
	encoders  *encoder.Manager
}

var _ learn.Library = examples{}

// Tagged counts what there is to learn from; a refusal is as much as a tag.
func (e examples) Tagged(ctx context.Context) (photos, given int64, err error) {
	counts, err := e.catalogue.CountTags(ctx)
	return counts.Photos, counts.Given + counts.Refused, err
}

// Training yields what the space that serves has features of.
func (e examples) Training(ctx context.Context, featureSpace string, yield func(contract.TrainingPhoto, []byte) error) error {
	serving := e.catalogue.Serving()
	if serving == nil {
		return errors.New("no encoder serves at present to learn on top of: `vsectl status` says why")
	}
	if now := e.encoders.About().GetFeatureSpace(); now != featureSpace {
		return errors.New("the encoder was changed meanwhile to one with other features: start again")
	}
	return serving.Tagged(ctx, func(photo catalogue.TaggedPhoto) error {
		if photo.Feature == nil {
			return nil
		}
		return yield(contract.TrainingPhoto{Photo: photo.ID, Tags: photo.Tags, Refused: photo.Refused, Taken: photo.Taken, Looks: photo.Looks}, photo.Feature)
	})
}
