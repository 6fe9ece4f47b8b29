package tfjs

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Node is one operation of the graph.
type Node struct {
	Name       string               `json:"name"`
	Op         string               `json:"op"`
	Inputs     []string             `json:"input"`
	Attributes map[string]attribute `json:"attr"`
}

// attribute is TensorFlow's AttrValue in JSON: 64-bit numbers are texts, bytes
// are base64.
type attribute struct {
	Text *[]byte         `json:"s"`
	Flag *bool           `json:"b"`
	List *attributeLists `json:"list"`
}

type attributeLists struct {
	Integers []json.RawMessage `json:"i"`
	Texts    [][]byte          `json:"s"`
}

func (n *Node) String() string { return fmt.Sprintf("node %q (%s)", n.Name, n.Op) }

// Errorf is an error that names the node and its operation.
func (n *Node) Errorf(format string, arguments ...any) error {
	return fmt.Errorf("%v: %w", n, fmt.Errorf(format, arguments...))
}

// Text is an attribute that must be there.
func (n *Node) Text(name string) (string, error) {
	found := n.Attributes[name]
	if found.Text == nil {
		return "", n.Errorf("has no text %q", name)
	}
	return string(*found.Text), nil
}

// Flag is a truth value; an absent one is false.
func (n *Node) Flag(name string) bool {
	found := n.Attributes[name]
	return found.Flag != nil && *found.Flag
}

// Texts is a list of texts; an absent one is empty.
func (n *Node) Texts(name string) []string {
	found := n.Attributes[name]
	if found.List == nil {
		return nil
	}
	var texts []string
	for _, text := range found.List.Texts {
		texts = append(texts, string(text))
	}
	return texts
}

// Integers is a list that must be there and of the given length.
func (n *Node) Integers(name string, count int) ([]int, error) {
	found := n.Attributes[name]
	if found.List == nil || len(found.List.Integers) != count {
		return nil, n.Errorf("has no list %q of %d integers", name, count)
	}
	var integers []int
	for _, raw := range found.List.Integers {
		text := string(raw)
		if unquoted, err := strconv.Unquote(text); err == nil {
			text = unquoted
		}
		integer, err := strconv.Atoi(text)
		if err != nil {
			return nil, n.Errorf("list %q holds %s", name, text)
		}
		integers = append(integers, integer)
	}
	return integers, nil
}
