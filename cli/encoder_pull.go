package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/cli/hub"
	"vsed/cli/table"
	"vsed/daemon/api"
)

// EncoderPullOptions are those of `vsectl encoder pull`.
type EncoderPullOptions struct {
	Common
	// Model is OWNER/NAME[@REV]; with From it only says where the folder is from.
	Model string
	Name  string // of the encoder; "": that of the model
	From  string // a folder that was downloaded elsewhere
	// Language is that of searches, for a model that is told it; "": English.
	Language string
	Hub      *hub.Hub
	// Print is the time between two lines where the output is no terminal.
	Print time.Duration
}

const encoderPullHelp = `Downloads an encoder as you, not as the daemon, into your cache folder; what
was downloaded is kept until it is installed, so that a broken download goes
on. Then the daemon checks, tests and installs it; nothing changes until it
is used. ~/.config/vsed/vsectl.toml may name another hub and a token (so may
HF_TOKEN):
   [hub]
   mirror = "https://hub.example.org"
   token = "hf_…"
--from installs a folder that another machine downloaded, or a bundle.`

func newEncoderPullCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "pull", Usage: "download an encoder from a hub and install it", ArgsUsage: "OWNER/NAME[@REV] | --from DIR",
		Description: encoderPullHelp + "\n\n" + examples("vsectl encoder pull immich-app/ViT-B-32__openai", "vsectl encoder pull --from /media/stick/ViT-B-32__openai --name vit-b-32"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "name", Usage: "call the encoder `NAME`", DefaultText: "as the model, in small letters"},
			&cli.StringFlag{Name: "from", Usage: "take the files in the folder `DIR`, and ask no hub"},
			&cli.StringFlag{Name: "language", Usage: "of a model that is told the language of each search (NLLB), take `CODE` for all", DefaultText: "eng_Latn"},
			&cli.StringFlag{Name: "mirror", Usage: "ask the hub at `URL`", DefaultText: hub.DefaultAddress + ", or hub.mirror"},
		},
		Action: func(c *cli.Context) error {
			options, err := encoderPullOptions(c)
			if err != nil {
				return err
			}
			defer options.Hub.Close()
			return runEncoderPull(c.Context, options, out)
		},
	})
}

func encoderPullOptions(c *cli.Context) (EncoderPullOptions, error) {
	options := EncoderPullOptions{Common: common(c), Model: c.Args().First(), Name: c.String("name"), From: c.String("from"), Language: c.String("language"), Print: 5 * time.Second}
	if c.NArg() > 1 || c.NArg() == 0 && options.From == "" {
		return options, usagef("encoder pull takes one OWNER/NAME: `vsectl encoder search` lists good ones")
	}
	file, err := hub.SettingsFile()
	if err != nil {
		return options, err
	}
	settings, err := hub.LoadSettings(file)
	if err != nil {
		return options, err
	}
	options.Hub = &hub.Hub{
		Address: cmp.Or(c.String("mirror"), settings.Mirror, hub.DefaultAddress),
		Token:   cmp.Or(os.Getenv("HF_TOKEN"), settings.Token),
	}
	return options, options.Hub.Validate()
}

func runEncoderPull(ctx context.Context, options EncoderPullOptions, out Screen) error {
	p := puller{options: options, out: out, show: out}
	if options.JSON {
		p.show.Writer = io.Discard // the object is all that is printed
	}
	if options.From == "" {
		return p.pull(ctx)
	}
	return p.install(ctx, options.From)
}

// A puller downloads and installs one encoder. show is where it tells how far it
// is.
type puller struct {
	options   EncoderPullOptions
	out, show Screen
}

// pull downloads a model, installs it, and then deletes the download.
func (p puller) pull(ctx context.Context) error {
	reference, err := hub.ParseReference(p.options.Model)
	if err != nil {
		return &usageError{err}
	}
	name := cmp.Or(p.options.Name, reference.EncoderName())
	if err := p.mayInstall(ctx, name); err != nil {
		return err
	}
	cache, err := reference.CacheFolder()
	if err != nil {
		return err
	}
	model, err := p.options.Hub.Find(ctx, reference)
	if err != nil {
		return err
	}
	folder := filepath.Join(cache, model.Commit)
	if err := p.download(ctx, model, folder); err != nil {
		return p.interrupted(err)
	}
	origin := hub.Origin{Name: reference.Name, Version: model.Commit, Licence: model.Licence, Source: strings.TrimRight(p.options.Hub.Address, "/") + "/" + reference.String(), Language: p.options.Language}
	if err := p.send(ctx, folder, name, origin); err != nil {
		return p.interrupted(err)
	}
	return os.RemoveAll(cache)
}

// interrupted tells a user who ends a download that it can go on.
func (p puller) interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		_ = p.show.printf("What was downloaded is kept: the same command goes on with it.\n") // the user is gone from here
	}
	return err
}

func (p puller) download(ctx context.Context, model hub.Model, folder string) error {
	err := p.show.printf("%s at revision %.12s, licence %s: %s, %s\n", model, model.Commit, table.Escape(cmp.Or(model.Licence, "not told")),
		plural(int64(len(model.Files)), "file", "files"), bytesText(model.Bytes()))
	if err != nil {
		return err
	}
	bar := p.transfer("Downloading", model.Bytes())
	p.options.Hub.Note = bar.note
	defer bar.clear()
	return p.options.Hub.Download(ctx, model, folder, bar.at)
}

func (p puller) transfer(doing string, total int64) *transfer {
	return &transfer{doing: doing, total: total, out: p.show, clock: time.Now, print: p.options.Print}
}

// install sends a folder of the user's.
func (p puller) install(ctx context.Context, folder string) error {
	folder, err := absolutePath(folder)
	if err != nil {
		return err
	}
	origin := hub.Origin{Name: filepath.Base(folder), Language: p.options.Language}
	if p.options.Model != "" {
		reference, err := hub.ParseReference(p.options.Model)
		if err != nil {
			return &usageError{err}
		}
		origin.Name, origin.Source = reference.Name, strings.TrimRight(p.options.Hub.Address, "/")+"/"+reference.String()
		if strings.Contains(p.options.Model, "@") {
			origin.Version = reference.Revision
		}
	}
	name := cmp.Or(p.options.Name, strings.ToLower(origin.Name))
	if err := p.mayInstall(ctx, name); err != nil {
		return err
	}
	return p.send(ctx, folder, name, origin)
}

// encoderName is what the daemon takes for a name.
var encoderName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// mayInstall asks the daemon before hundreds of megabytes are on their way.
func (p puller) mayInstall(ctx context.Context, name string) error {
	if !encoderName.MatchString(name) {
		return usagef("%q is no name for an encoder: give one of small letters, digits, '-', '_' and '.' with --name", name)
	}
	installed, err := p.options.Client.Encoders(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(installed, func(one api.InstalledEncoder) bool { return one.Name == name })
	if at >= 0 && (installed[at].State != api.EncoderInstalled || installed[at].Fixed) {
		return fmt.Errorf("there is an encoder %s already, it is %s: give another name with --name", name, installed[at].State)
	}
	return nil
}

// send packs a folder and has the daemon install it.
func (p puller) send(ctx context.Context, folder, name string, origin hub.Origin) error {
	packed, err := hub.Pack(ctx, folder, origin)
	if err != nil {
		return err
	}
	bar := p.transfer("Sending to the daemon", packed.Bytes)
	defer bar.clear()
	archive := packed.Archive(func(done int64) { bar.at(min(done, packed.Bytes)) })
	defer archive.Close()
	test, err := p.options.Client.InstallEncoder(ctx, name, archive)
	bar.clear()
	if err != nil {
		return err
	}
	if p.options.JSON {
		return p.out.json(test)
	}
	if err := showTest(test, p.out); err != nil {
		return err
	}
	return p.out.printf("\n%s is installed: `vsectl encoder use %s` has it take over.\n", name, name)
}
