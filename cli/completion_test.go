package cli

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	program := filepath.Join(t.TempDir(), "vsectl")
	if output, err := exec.Command("go", "build", "-o", program, "vsed/cli/vsectl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	f := func(want string, words ...string) {
		t.Helper()
		script := `source <("$1" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vsectl; echo "${COMPREPLY[*]}"`
		output, err := exec.Command(bash, slices.Concat([]string{"-c", script, "bash", program}, words)...).CombinedOutput()
		if err != nil || !strings.Contains(" "+string(output), " "+want) {
			t.Errorf("%q: got %s%v, want %s", words, output, err, want)
		}
	}
	f("search", "se")
	f("add", "tag", "a")
	f("--json", "search", "--js")
	f("\n", "search", "dog", "")
	f("\n", "tag", "add", "--", "id:1", "")
}

func TestCompletionScripts(t *testing.T) {
	f := func(want string, code int, args ...string) {
		t.Helper()
		var text bytes.Buffer
		got := run(t.Context(), append([]string{"vsectl", "completion"}, args...), Screen{Writer: &text}, Screen{Writer: &text})
		if got != code || !strings.Contains(text.String(), want) {
			t.Errorf("%q: got %d %s, want %s", args, got, text.String(), want)
		}
	}
	f("-F _vsectl vsectl\n", 0, "bash")
	f("complete -c vsectl", 0, "fish")
	f(`the shell "csh" is not known`, 2, "csh")
	f("takes the name of one shell", 2)
}
