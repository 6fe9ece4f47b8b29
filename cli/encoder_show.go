package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// EncoderShowOptions are those of `vsectl encoder show`.
type EncoderShowOptions struct {
	Common
	Name string
}

func newEncoderShowCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "show", Usage: "show one encoder, and how much of the library it covers", ArgsUsage: "NAME",
		Description: examples("vsectl encoder show builtin"),
		Flags:       []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			name, err := named("show", c.Args().Slice())
			if err != nil {
				return err
			}
			return runEncoderShow(c.Context, EncoderShowOptions{common(c), name}, out)
		},
	})
}

func runEncoderShow(ctx context.Context, options EncoderShowOptions, out Screen) error {
	encoder, err := options.Client.Encoder(ctx, options.Name)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(encoder)
	}
	origin := "installed"
	if encoder.Fixed {
		origin = "comes with vsed, or its configuration"
	}
	if encoder.Learned != nil {
		origin = "learned here"
	}
	err = out.prose(append([]field{
		{"name", encoder.Name}, {"state", stateText(encoder)}, {"model", encoder.Model}, {"version", encoder.Version},
		{"licence", encoder.Licence}, {"space", encoder.Space}, {"size", bytesText(encoder.Bytes)}, {"origin", origin},
	}, learnedFields(encoder.Learned)...))
	if err != nil || encoder.Coverage == nil {
		return err
	}
	if err := out.printf("\n"); err != nil {
		return err
	}
	return showCoverage(*encoder.Coverage, nil, out)
}

// learnedFields tell of the run that made a learned encoder.
func learnedFields(run *api.LearningRun) []field {
	if run == nil {
		return nil
	}
	gained := "points for your tags " + gain(run.Gain)
	if run.Guard != nil {
		gained += "; for other sentences " + points(run.Guard.Value)
	}
	from := fmt.Sprintf("%s of %s on %s", number(int64(run.Learned)), plural(int64(run.Tags), "tag", "tags"), photos(taggedOf(*run)))
	if !strings.HasPrefix(run.From, "learned-") { // of such a one, what it had learned is left out
		from += ", on top of " + run.From
	}
	return []field{
		{"run", fmt.Sprintf("%d, of %s: `vsectl learn report %[1]d` says more", run.Number, moment(run.Began))},
		{"learned", from},
		{"gained", gained},
	}
}

// stateText says what the one word means.
func stateText(encoder api.InstalledEncoder) string {
	switch encoder.State {
	case api.EncoderServing:
		return "serving: it answers the searches"
	case api.EncoderIncoming:
		return "incoming: it takes over once it has encoded the library"
	case api.EncoderKept:
		return "kept: it served before, and its vectors are there still"
	case api.EncoderInstalled:
		if encoder.Coverage != nil {
			return "installed: it can be used, and has vectors of a swap before"
		}
		return "installed: it can be used, and has no vectors"
	}
	return encoder.State
}
