package tomlfile

import "testing"

func TestErrorsNameLineAndKey(t *testing.T) {
	type rates struct {
		Decay float64 `toml:"decay"`
	}
	type stage struct {
		rates
		Epochs int     `toml:"epochs"`
		Margin float64 `toml:"margin"`
	}
	for text, want := range map[string]string{
		"[stage1]\nepochs = 3\n":                       "",
		"[stage1]\nepoch = 3\n":                        "there is no such key: stage1.epoch in line 2",
		"loss = 1\n[stage1]\nrate = 3\n\n[stage1.x]\n": "there is no such key: loss in line 1, stage1.rate in line 3, stage1.x in line 5",
		"[stage3]\nepochs = 3\n":                       "there is no such key: stage3 in line 1",
		"[stage1]\nepochs = 3\nepochs = 4\n":           "line 3: key epochs is already defined",
		"[stage1]\n\nepochs = \"3\"\n":                 "line 3: stage1.epochs takes a whole number, not this string",
		"[stage1]\nepochs = 3.5\n":                     "line 2: stage1.epochs takes a whole number, not this float",
		"[stage1]\nmargin = true\n":                    "line 2: stage1.margin takes a number, not this boolean",
		"stage1 = 3\n":                                 "line 1: stage1 takes a section of its own, not this integer",
		"[stage1]\nmargin = nan\n":                     "stage1.margin is no finite number: set it to one",
		"[stage1]\ndecay = -inf\n":                     "stage1.decay is no finite number: set it to one",
		"[stage1\n":                                    "line 1: expected ']' to close table name",
	} {
		c := struct {
			One stage `toml:"stage1"`
		}{stage{Epochs: 15}}
		got := ""
		if err := Decode([]byte(text), &c); err != nil {
			got = err.Error()
		} else if c.One.Epochs != 3 {
			t.Errorf("%q: %+v", text, c)
		}
		if got != want {
			t.Errorf("%q: error %s, want %s", text, got, want)
		}
	}
}
