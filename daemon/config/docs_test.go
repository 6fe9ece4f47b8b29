package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const (
	guide  = "../../docs/configuration.md"
	sample = "../../docs/vsed.toml"
)

// The table of the guide is made of the keys; `go test -update` writes it anew.
func TestGuideListsEveryKey(t *testing.T) {
	const begin, end = "<!-- keys -->\n", "<!-- end of keys -->"
	content, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table", guide)
	}
	expect(t, guide, before+begin+table()+end+after)
}

func table() string {
	var rows strings.Builder
	rows.WriteString("| key | default | variable | taken at | what it is |\n|---|---|---|---|---|\n")
	c := Default()
	for _, k := range keys() {
		taken := "restart"
		if k.name == "folders" || k.name == "log.level" { // what a running daemon takes on SIGHUP
			taken = "*reload*"
		}
		fmt.Fprintf(&rows, "| `%s` | `%s` | `%s` | %s | %s |\n", k.name, literal(k.field(&c)), k.variable, taken, k.about)
	}
	return rows.String()
}

func TestSampleIsMadeOfTheKeys(t *testing.T) {
	var text strings.Builder
	text.WriteString("# Configuration of vsed: each key at its default. docs/configuration.md says more,\n# `vsed validate --config FILE` whether it is right.\n")
	c, last := Default(), ""
	for _, k := range keys() {
		table, name := k.parts()
		if table != last {
			last = table
			fmt.Fprintf(&text, "\n[%s]\n", table)
		}
		fmt.Fprintf(&text, "\n# %s\n#%s = %s\n", strings.ReplaceAll(k.about, "`", ""), name, literal(k.field(&c)))
	}
	expect(t, sample, text.String())
}

// The sample is the default as it stands, and with every key in force.
func TestSampleLoads(t *testing.T) {
	document, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	f := func(document []byte) {
		t.Helper()
		c := Default()
		if err := parse(sample, document, &c); err != nil {
			t.Fatal(err)
		}
		want := Default()
		if len(c.Folders) == 0 {
			c.Folders = nil // as an empty list in the file
		}
		if len(c.Encoder.Providers) == 0 {
			c.Encoder.Providers = nil
		}
		if !reflect.DeepEqual(c, want) || c.Validate() != nil {
			t.Errorf("got %+v, %v", c, c.Validate())
		}
	}
	f(document)
	f(regexp.MustCompile(`(?m)^#(\w+ = )`).ReplaceAll(document, []byte("$1")))
}

// What Write writes says the same as what was read, and where it stands.
func TestWriteIsReadBack(t *testing.T) {
	c, err := Load("testdata/full.good.toml", []string{"VSED_LOG_LEVEL=warn"})
	if err != nil {
		t.Fatal(err)
	}
	c.State = "/other"
	c.Attribute("state", "--state")
	var text strings.Builder
	if err := c.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"state = \"/other\"  # --state\n", "level = \"warn\"  # VSED_LOG_LEVEL\n", "timeout = \"1m30s\"  # testdata/full.good.toml:22\n",
		"folders = [\"/photos\", \"/media/Älter\"]  # testdata/full.good.toml:4\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	again := Default()
	if err := parse("again", []byte(text.String()), &again); err != nil {
		t.Fatal(err)
	}
	c.origins = nil
	if !reflect.DeepEqual(again, c) {
		t.Errorf("got %+v, want %+v", again, c)
	}
	fresh := Default()
	text.Reset()
	if err := fresh.Write(&text); err != nil || !strings.Contains(text.String(), "processes = 0  # default\n") {
		t.Errorf("%v in\n%s", err, text.String())
	}
}

// Every key finds its line, be it dotted or within a table in a line, and an
// error names the variable or the flag where the value is from there.
func TestOrigins(t *testing.T) {
	f := func(document, want string) {
		t.Helper()
		c := Default()
		if err := parse("f.toml", []byte(document), &c); err != nil {
			t.Fatal(err)
		}
		attributeLines("f.toml", []byte(document), &c)
		if err := c.Validate(); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", document, err, want)
		}
	}
	f("\n\ndecoder.processes = -1", "f.toml:3: decoder.processes -1 is out of range: give 0 (one a core) to 256")
	f("\nlog = { level = \"x\" }", `f.toml:2: log.level "x" is none of debug, info, warn, error: choose one`)
	f("[Log] # a\n\nLEVEL = \"x\"", `f.toml:3: log.level "x" is none of debug, info, warn, error: choose one`)
	c, err := Load("", []string{"VSED_LOG_LEVEL=x"})
	if err == nil {
		err = c.Validate()
	}
	if want := `VSED_LOG_LEVEL: log.level "x" is none of debug, info, warn, error: choose one`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
