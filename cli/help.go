package cli

// helpTemplate is the text of `vsectl --help`, in the library's form.
const helpTemplate = `vsectl finds photos by what they show, and steers the vsed daemon.

Usage: vsectl COMMAND [options] [arguments]
Options may stand anywhere after the command, --json and --socket before it,
too; what follows -- is no option.
{{range .VisibleCategories}}
{{.Name}}:
{{- range .VisibleCommands}}
  {{printf "%-10s" .Name}}  {{.Usage}}
{{- range .Subcommands}}
  {{printf "%-10s" ""}}    {{.Name}}{{with .ArgsUsage}} {{.}}{{end}}
{{- end}}{{end}}
{{end}}
Options:
  --socket PATH  ask the daemon at the socket PATH, else at $VSED_SOCKET,
                 else at /run/vsed/vsed.sock
  --json         with any command that answers: print the API's objects
  --help         also after a command, for its options and examples
  --version      say which build this is

Examples:
  vsectl search a dog on a beach
  vsectl search --json --limit 50 tiger | jq -r '.hits[].path'
  vsectl photo show ~/Pictures/a.jpg
  vsectl tag add id:75 holiday "Aunt Mary"
  vsectl folder add /srv/photos && vsectl status --watch
  vsectl encoder pull immich-app/ViT-B-32__openai

{{.Description}}
`

// examples is the part of a command's description that shows how it is used.
func examples(lines ...string) string {
	text := "Examples:"
	for _, line := range lines {
		text += "\n   " + line
	}
	return text
}
