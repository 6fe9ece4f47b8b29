// Package cli is vsectl: one file a verb, each with its command, its options
// and a run function that tests call. It asks the daemon through package api
// and shows the answers; it opens no photo, catalogue or index itself.
package cli

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
	"vsed/daemon/api/version"
)

// Main runs vsectl with args (args[0] is its name) and returns the exit code.
func Main(args []string, stdout, stderr *os.File) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Once asked to end, a second Ctrl-C ends the process whatever it does.
	context.AfterFunc(ctx, stop)
	return run(ctx, args, newScreen(stdout), newScreen(stderr))
}

func run(ctx context.Context, args []string, out, faults Screen) int {
	app := newApp(out)
	var err error
	if !completing(args) {
		args, err = permute(app, args)
	} else if slices.Contains(args, "--") {
		return 0 // the library would take the request for an argument
	}
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	if text := message(err); text != "" {
		_ = faults.say("vsectl: %s", text) // the exit code tells it, too
	}
	return exitCode(err)
}

// Groups of commands in the help, which it shows in alphabetical order.
const (
	aboutPhotos  = "Photos"
	aboutService = "The daemon"
)

func newApp(out Screen) *cli.App {
	return &cli.App{
		Name:                  "vsectl",
		Usage:                 "search photos and steer the vsed daemon",
		Description:           exitCodes,
		Version:               version.Long(),
		CustomAppHelpTemplate: helpTemplate,
		Writer:                &helpLines{out: out},
		ErrWriter:             out,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "socket", Usage: "ask the daemon at the socket `PATH`", EnvVars: []string{"VSED_SOCKET"}, Value: api.DefaultSocket},
		},
		Commands:             commands(out),
		HideHelpCommand:      true,
		EnableBashCompletion: true,
		Action:               needCommand,
		OnUsageError:         onUsageError,
		// The default would end the process from inside the library.
		ExitErrHandler: func(*cli.Context, error) {},
	}
}

func commands(out Screen) []*cli.Command {
	return slices.Concat(
		about(aboutPhotos,
			newSearchCommand(out),
			group("photo", "show what is known of a photo",
				newPhotoShowCommand(out)),
			group("tag", "show and change the tags of a photo",
				newTagAddCommand(out), newTagRemoveCommand(out), newTagListCommand(out)),
			group("learn", "learn from your tags, and use what was learned",
				newLearnStartCommand(out), newLearnStatusCommand(out), newLearnStopCommand(out), newLearnReportCommand(out),
				newLearnApplyCommand(out), newLearnRollbackCommand(out), newLearnListCommand(out),
				newLearnSuggestionsCommand(out), newLearnAcceptCommand(out), newLearnRefuseCommand(out),
				newLearnRefusalsCommand(out), newLearnUnrefuseCommand(out)),
			group("export", "write out what you have put into the library",
				newExportTagsCommand(out)),
			newEvaluateCommand(out)),
		about(aboutService,
			newStatusCommand(out),
			group("folder", "show and change the watched folders",
				newFolderAddCommand(out), newFolderRemoveCommand(out), newFolderListCommand(out)),
			group("encoder", "install and test encoders, and change the one that serves",
				newEncoderSearchCommand(out), newEncoderPullCommand(out),
				newEncoderListCommand(out), newEncoderShowCommand(out), newEncoderTestCommand(out), newEncoderUseCommand(out),
				newEncoderPauseCommand(out), newEncoderResumeCommand(out), newEncoderRollbackCommand(out), newEncoderRemoveCommand(out)),
			group("quarantine", "show the files that were set aside, and have them tried again",
				newQuarantineListCommand(out), newQuarantineShowCommand(out), newQuarantineRetryCommand(out)),
			newDoctorCommand(out),
			newEventsCommand(out),
			newCompletionCommand(out)),
	)
}

func about(category string, commands ...*cli.Command) []*cli.Command {
	for _, command := range commands {
		command.Category = category
	}
	return commands
}

// group is a verb that only has verbs below it.
func group(name, usage string, below ...*cli.Command) *cli.Command {
	return verb(&cli.Command{Name: name, Usage: usage, Subcommands: below, Action: needCommand})
}

// verb sets what every command shares.
func verb(command *cli.Command) *cli.Command {
	command.HideHelpCommand = true // "vsectl search help" looks for help
	command.OnUsageError = onUsageError
	return command
}

func needCommand(c *cli.Context) error {
	name := c.Command.HelpName
	if word := c.Args().First(); word != "" {
		return usagef("%s has no command %q: `%s --help` lists them", name, word, name)
	}
	return usagef("no command is given: `%s --help` lists them", name)
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	return usagef("%s: see `%s --help`", plainFault(err), c.Command.HelpName)
}

// Common is what every verb's options hold.
type Common struct {
	Client *api.Client
	// JSON asks for the API's objects instead of text.
	JSON bool
}

func common(c *cli.Context) Common {
	return Common{Client: &api.Client{Socket: c.String("socket")}, JSON: c.Bool("json")}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the API's objects", DisableDefaultText: true}
}
