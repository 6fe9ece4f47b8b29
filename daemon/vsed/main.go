// Command vsed is the daemon: it watches photo folders, keeps the catalogue
// and answers searches. See `vsed --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/daemon"
	"vsed/daemon/api/version"
	"vsed/daemon/config"
	"vsed/daemon/loglimit"
	"vsed/daemon/systemd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := newApp(os.Stdout, os.Stderr).RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "vsed:", err)
		stop()
		os.Exit(1)
	}
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:            "vsed",
		Usage:           "search your photos by what they show, on your own machine",
		Version:         version.Long(),
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Writer:          stdout,
		ErrWriter:       stderr,
		Commands:        []*cli.Command{newRunCommand(stderr), newValidateCommand(stdout), newCheckCommand(stdout)},
		Action:          needCommand,
		ExitErrHandler:  func(*cli.Context, error) {}, // main prints it
		// A folder's name may hold a comma.
		DisableSliceFlagSeparator: true,
	}
}

// needCommand shows the help where nothing is asked, and refuses what is none.
func needCommand(c *cli.Context) error {
	if word := c.Args().First(); word != "" {
		return fmt.Errorf("there is no command %q: `vsed --help` lists them", word)
	}
	return cli.ShowAppHelp(c)
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	text, help := err.Error(), c.Command.HelpName
	if name, unknown := strings.CutPrefix(text, "flag provided but not defined: -"); unknown {
		text = "there is no option --" + strings.TrimLeft(name, "-")
	}
	return fmt.Errorf("%s: `%s --help` lists them", text, help)
}

func newRunCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:            "run",
		Usage:           "watch, encode and answer until SIGTERM or Ctrl-C",
		UsageText:       "vsed run --config FILE\nvsed run --state DIR --folder DIR --socket PATH",
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Flags: append(configFlags(),
			&cli.PathFlag{Name: "state", Usage: "keep the catalogue and the indexes in `DIR`"},
			&cli.StringSliceFlag{Name: "folder", Usage: "watch the photos below `DIR` (may be repeated)"},
			&cli.PathFlag{Name: "socket", Usage: "answer on the unix socket `PATH`"},
		),
		Action: func(c *cli.Context) error { return run(c, stderr) },
	}
}

func newValidateCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:            "validate",
		Usage:           "say what is wrong with a configuration, or print what it comes to",
		UsageText:       "vsed validate --config FILE",
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Flags:           configFlags(),
		Action: func(c *cli.Context) error {
			settings, err := loadForRun(c)
			if err := errors.Join(err, daemon.ExamineBundle(settings)); err != nil {
				return err
			}
			if _, err := fmt.Fprintln(stdout, "# The configuration is valid. Each value, and where it comes from:"); err != nil {
				return err
			}
			return settings.Write(stdout)
		},
	}
}

func newCheckCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:            "check",
		Usage:           "verify the catalogue and the indexes of a stopped vsed",
		UsageText:       "vsed check --state DIR [--repair]",
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Flags: append(configFlags(),
			&cli.PathFlag{Name: "state", Usage: "check the state folder `DIR`"},
			&cli.BoolFlag{Name: "repair", Usage: "remove what is wrong and can be made again"},
		),
		Action: func(c *cli.Context) error { return runCheck(c, stdout) },
	}
}

// runCheck prints a line a finding; findings that are not mended are an error.
func runCheck(c *cli.Context, stdout io.Writer) error {
	settings, err := load(c)
	if err != nil {
		return err
	}
	findings, err := daemon.Check(c.Context, settings.State, c.Bool("repair"))
	if err != nil {
		return err
	}
	left := 0
	for _, finding := range findings {
		word := "mended"
		if !finding.Mended {
			word, left = "found", left+1
		}
		if _, err := fmt.Fprintf(stdout, "%s: %s\n", word, finding.What); err != nil {
			return err
		}
	}
	if left > 0 {
		return fmt.Errorf("%d of %d findings are not mended: run with --repair, or put a backup in place", left, len(findings))
	}
	verdict := "the catalogue and the indexes are sound"
	if len(findings) > 0 {
		verdict = "all else is sound; what was removed is made again at the next start"
	}
	_, err = fmt.Fprintln(stdout, verdict)
	return err
}

func configFlags() []cli.Flag {
	return []cli.Flag{&cli.PathFlag{Name: "config", Usage: "read the TOML `FILE`; VSED_* variables and flags go before it"}}
}

// load reads the configuration and lays the flags over it.
func load(c *cli.Context) (config.Config, error) {
	if c.Args().Present() {
		return config.Config{}, fmt.Errorf("%q is not understood: `vsed %s --help` lists the flags", c.Args().First(), c.Command.Name)
	}
	settings, err := config.Load(c.Path("config"), os.Environ())
	if err != nil {
		return config.Config{}, err
	}
	if err := overrule(c, &settings); err != nil {
		return config.Config{}, err
	}
	return settings, settings.Validate()
}

// loadForRun also asks the file system about the folders.
func loadForRun(c *cli.Context) (config.Config, error) {
	settings, err := load(c)
	if err != nil {
		return config.Config{}, err
	}
	return settings, daemon.ExamineFolders(c.Context, settings)
}

// overrule lays the flags over the settings. A path on a command line is
// relative to where it was typed.
func overrule(c *cli.Context, settings *config.Config) (err error) {
	for flag, setting := range map[string]*string{"state": &settings.State, "socket": &settings.Socket} {
		if !c.IsSet(flag) {
			continue
		}
		if *setting, err = absolute(flag, c.Path(flag)); err != nil {
			return err
		}
		settings.Attribute(flag, "--"+flag)
	}
	if c.IsSet("folder") {
		settings.Folders = nil
		settings.Attribute("folders", "--folder")
	}
	for _, folder := range c.StringSlice("folder") {
		path, err := absolute("folder", folder)
		if err != nil {
			return err
		}
		settings.Folders = append(settings.Folders, path)
	}
	return nil
}

func absolute(flag, path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("--%s is empty: give it a path", flag)
	}
	return filepath.Abs(path)
}

// logLimit leaves room for the first failures of a kind, and for each folder's
// lines after a start, but not for one line a photo.
var logLimit = loglimit.Limit{Burst: 30, Interval: 10 * time.Minute}

// collectAt has the collector run at half of its usual distance: the heap is
// small and what grows in it stays, so that little work saves much memory.
const collectAt = 50

func run(c *cli.Context, stderr io.Writer) error {
	notifier := systemd.FromEnvironment()
	settings, err := loadForRun(c)
	if err != nil {
		return err
	}
	var level slog.LevelVar
	if err := level.UnmarshalText([]byte(settings.Log.Level)); err != nil {
		return fmt.Errorf("log.level: %w", err)
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	log := slog.New(loglimit.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: &level}), logLimit))
	if err := daemon.ExamineBundle(settings); err != nil {
		log.Error("the encoder of the configuration does not serve", "error", err)
	}
	return daemon.Run(c.Context, daemon.Options{
		Config: settings, Version: version.Short(), Systemd: notifier,
		Log:    log,
		Reload: reload,
		ReadConfig: func() (config.Config, error) {
			settings, err := loadForRun(c)
			if err != nil {
				return config.Config{}, err
			}
			return settings, level.UnmarshalText([]byte(settings.Log.Level))
		},
	})
}
