package experiment

import (
	"fmt"
	"regexp"
	"strings"
)

// An Ablation is a configuration that is measured beside others.
type Ablation struct {
	Name string
	TOML string // over the configuration that all have in common
}

// Ablations are those of docs/learning.md.
func Ablations() (list []Ablation) {
	for _, name := range []string{"VSE", "VSE++"} {
		for _, one := range []Ablation{
			{"captions alone", "[web]\nfrom = \"none\"\n[stage1]\ntags = 0.0\n"},
			{"stage I", "[web]\nfrom = \"none\"\n"},
			{"stages I and II", ""},
			{"stages I and II, no curriculum", "[stage2]\ncurriculum = 0.0\n"},
			{"stages I and II, no replay", "[stage2]\ncaptioned = 0\n"},
			{"stages I and II, 10 % of the web set", "[web]\npart = 0.1\n"},
			{"stages I and II, 25 % of the web set", "[web]\npart = 0.25\n"},
			{"stages I and II, 50 % of the web set", "[web]\npart = 0.5\n"},
			{"stages I and II, 30 % of the tags false", "[web]\nnoise = 0.3\n"},
			{"stages I and II, no new photos", "[web]\nfrom = \"own\"\n"},
		} {
			list = append(list, Ablation{name + ", " + one.Name, fmt.Sprintf("loss = %q\n%s", strings.ToLower(name), one.TOML)})
		}
	}
	list = append(list,
		Ablation{"VSE, words drawn, stage I", "[web]\nfrom = \"none\"\n[model]\nvectors = \"\"\n"},
		Ablation{"VSE, words drawn, stages I and II", "[model]\nvectors = \"\"\n"})
	for _, loss := range []string{"weighted", "contrastive"} {
		list = append(list,
			Ablation{loss + ", stage I", fmt.Sprintf("loss = %q\n[web]\nfrom = \"none\"\n", loss)},
			Ablation{loss + ", stages I and II", fmt.Sprintf("loss = %q\n", loss)})
	}
	return list
}

// Pattern reads an expression for names, in any case. One that is none, such as VSE++,
// stands for itself.
func Pattern(expression string) *regexp.Regexp {
	pattern, err := regexp.Compile("(?i)" + expression)
	if err != nil {
		return regexp.MustCompile("(?i)" + regexp.QuoteMeta(expression))
	}
	return pattern
}

// Chosen are the ablations whose names match.
func Chosen(list []Ablation, only string) (chosen []Ablation, err error) {
	pattern := Pattern(only)
	for _, one := range list {
		if pattern.MatchString(one.Name) {
			chosen = append(chosen, one)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no ablation's name matches %q: --show lists them", only)
	}
	return chosen, nil
}
