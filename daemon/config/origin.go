package config

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Attribute notes where the value of the named key comes from, for the errors
// of Validate and for Write: a line of a file, a variable, a flag.
func (c *Config) Attribute(name, origin string) {
	c.origins = maps.Clone(c.origins) // copies of c share it
	if c.origins == nil {
		c.origins = map[string]string{}
	}
	c.origins[name] = origin
}

// Fault makes the error of a value: its origin, where it is not a default,
// before what is wrong.
func (c Config) Fault(name, format string, arguments ...any) error {
	text := fmt.Sprintf(format, arguments...)
	if origin := c.origins[name]; origin != "" {
		text = origin + ": " + text
	}
	return errors.New(text)
}

// attributeLines notes the line of each key of a document that the parser took.
func attributeLines(file string, document []byte, c *Config) {
	var parser unstable.Parser
	parser.Reset(document)
	table := ""
	for parser.NextExpression() {
		expression := parser.Expression()
		switch expression.Kind {
		case unstable.Table:
			table = keyName(expression) + "."
		case unstable.KeyValue:
			attributeValue(file, &parser, table, expression, c)
		}
	}
}

// attributeValue looks also into tables within a line.
func attributeValue(file string, parser *unstable.Parser, table string, pair *unstable.Node, c *Config) {
	name := table + keyName(pair)
	if value := pair.Value(); value.Kind == unstable.InlineTable {
		for inner := value.Children(); inner.Next(); {
			attributeValue(file, parser, name+".", inner.Node(), c)
		}
		return
	}
	first := pair.Key()
	first.Next()
	line := parser.Shape(first.Node().Raw).Start.Line
	c.Attribute(strings.ToLower(name), fmt.Sprintf("%s:%d", file, line))
}

func keyName(node *unstable.Node) string {
	var parts []string
	for key := node.Key(); key.Next(); {
		parts = append(parts, string(key.Node().Data))
	}
	return strings.Join(parts, ".")
}
