package query

import "strings"

const (
	// maxDepth is how deep brackets may stand in brackets.
	maxDepth = 32
	// maxAlternatives is how many sentences a query may ask for at once: each
	// costs a run of the encoder and a scan.
	maxAlternatives = 16
)

// A node is a piece of the syntax tree: words, picture, filter, sequence, choice
// or negation.
type node any

type (
	words    string
	picture  string
	filter   struct{ Expression }
	sequence []node // what stands side by side
	choice   []node // what stands between ORs
	negation struct {
		node
		at int
	}
)

// Parse reads a query. The error is an *Error.
func Parse(text string, settings Settings) (Query, error) {
	p := parser{scanner: scanner{text: text}, settings: settings}
	tree, err := p.parseChoice()
	if err != nil {
		return Query{}, err
	}
	if len(tree) == 0 && len(p.said) == 0 {
		return Query{}, p.fail(0, "the query is empty: say what the photo shows")
	}
	if p.query.Alternatives, err = p.alternatives(tree); err != nil {
		return Query{}, err
	}
	return p.query, nil
}

type parser struct {
	scanner
	settings Settings
	query    Query    // its options
	said     []string // the options that were given
}

// parseChoice reads what stands between ORs, up to the end of the text or of the
// bracket.
func (p *parser) parseChoice() (branches choice, err error) {
	for {
		begin := p.at
		branch, err := p.parseSequence()
		if err != nil {
			return nil, err
		}
		if len(branch) > 0 {
			branches = append(branches, branch)
		}
		if p.atEnd() {
			return branches, nil
		}
		if len(branch) == 0 {
			return nil, p.fail(begin, "OR needs something to look for on both sides")
		}
	}
}

// parseSequence reads what stands side by side, and the OR after it.
func (p *parser) parseSequence() (nodes sequence, err error) {
	for begin := p.at; !p.atEnd(); {
		if p.at > begin && p.takeOr() {
			return nodes, nil
		}
		item, err := p.parseItem()
		if err != nil {
			return nil, err
		}
		if item != nil {
			nodes = append(nodes, item)
		}
	}
	return nodes, nil
}

// takeOr takes the word OR where something follows it.
func (p *parser) takeOr() bool {
	before := p.at
	rest, ok := strings.CutPrefix(p.text[p.at:], "OR")
	if !ok || rest == "" || !isBlank(rune(rest[0])) && rest[0] != '(' {
		return false
	}
	p.at += len("OR")
	if p.atEnd() {
		p.at = before
		return false
	}
	return true
}

// parseItem gives nil for an option.
func (p *parser) parseItem() (node, error) {
	at := p.at
	negated := p.minus()
	if name := p.fieldName(); name != "" && !p.plainColon(name) {
		if isOption(name) {
			return nil, p.option(name, at, negated)
		}
	}
	item, err := p.parsePrimary()
	if err != nil || !negated {
		return item, err
	}
	return negation{item, at}, nil
}

func (p *parser) parsePrimary() (node, error) {
	r, _ := p.peek()
	if r == '(' {
		return p.parseGroup()
	}
	if closers(r) != "" {
		return p.parseSentence()
	}
	if name := p.fieldName(); name != "" && !p.plainColon(name) {
		return p.parseField(name)
	}
	return words(clean(p.word())), nil
}

func (p *parser) parseSentence() (node, error) {
	at := p.at
	quoted, err := p.quotation()
	if err != nil {
		return nil, err
	}
	sentence := clean(quoted)
	if sentence == "" {
		return nil, p.fail(at, "nothing stands between these quotation marks: put a sentence there, or leave them out")
	}
	return words(sentence), nil
}

// clean makes plain text of a sentence.
func clean(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), isBlank), " ")
}

func (p *parser) parseGroup() (node, error) {
	at := p.at
	if p.open == maxDepth {
		return nil, p.fail(at, "brackets stand more than %d deep: take some away", maxDepth)
	}
	p.at++
	p.open++
	inner, err := p.parseChoice()
	if err != nil {
		return nil, err
	}
	if r, _ := p.peek(); r != ')' {
		return nil, p.fail(at, `this bracket is never closed: put a ) at its end, or a backslash before it (\()`)
	}
	if len(inner) == 0 {
		return nil, p.fail(at, "nothing stands between these brackets: put a word or a filter there, or leave them out")
	}
	p.at++
	p.open--
	return inner, nil
}
