package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vsed/daemon/nearest"
)

// override sets c from the VSED_* variables in env. A variable that looks like
// a misspelt one is an error; another program's VSED_ variable is not. An empty
// variable counts as absent, as a unit file can blank one but not remove it.
func override(c *Config, env []string) error {
	var problems []error
	for _, entry := range env {
		variable, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, "VSED_") || value == "" {
			continue
		}
		problems = append(problems, overrideOne(c, variable, value))
	}
	return errors.Join(problems...)
}

func overrideOne(c *Config, variable, value string) error {
	all := keys()
	var variables []string
	for _, k := range all {
		variables = append(variables, k.variable)
	}
	i := slices.Index(variables, variable)
	if i < 0 {
		if near := nearest.Of(variable, variables); near != "" {
			return fmt.Errorf("unknown variable %s; did you mean %s?", variable, near)
		}
		return nil
	}
	if err := all[i].set(c, value); err != nil {
		return fmt.Errorf("%s: %s must be %s, not %q", variable, all[i].name, strings.Replace(all[i].form(), " in quotes", "", 1), value)
	}
	c.Attribute(all[i].name, variable)
	return nil
}
