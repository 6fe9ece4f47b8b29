package cli

import (
	"github.com/urfave/cli/v2"
)

// completionRequest, as the last argument, asks the library to print what may
// stand there instead of running the command.
const completionRequest = "--generate-bash-completion"

func completing(args []string) bool {
	return len(args) > 1 && args[len(args)-1] == completionRequest
}

// bashCompletion asks vsectl for the words after a command and for options;
// where it knows none, as for a PHOTO, bash completes the names of files.
const bashCompletion = `_vsectl() {
	local current="${COMP_WORDS[COMP_CWORD]}" before=("${COMP_WORDS[@]:0:COMP_CWORD}")
	[[ $current == -* ]] && before+=("$current")
	COMPREPLY=($(compgen -W "$("${before[@]}" --generate-bash-completion 2>/dev/null)" -- "$current"))
}
complete -o bashdefault -o default -F _vsectl vsectl
`

func newCompletionCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "completion", Usage: "print a script with which a shell completes commands and options", ArgsUsage: "bash|fish",
		Description: examples("vsectl completion bash >~/.local/share/bash-completion/completions/vsectl", "vsectl completion fish >~/.config/fish/completions/vsectl.fish"),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("completion takes the name of one shell: bash or fish")
			}
			return runCompletion(c.App, c.Args().First(), out)
		},
	})
}

func runCompletion(app *cli.App, shell string, out Screen) error {
	switch shell {
	case "bash":
		return out.printf("%s", bashCompletion)
	case "fish":
		script, err := app.ToFishCompletion()
		if err != nil {
			return err
		}
		return out.printf("%s", script)
	}
	return usagef("the shell %q is not known: give bash or fish", shell)
}
