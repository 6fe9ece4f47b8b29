package query

import "slices"

// alternatives turns the syntax tree into ways to match: filters stay together,
// what ranks is multiplied out.
func (p *parser) alternatives(tree choice) ([]Alternative, error) {
	list, err := p.choice(tree)
	if len(list) == 0 && err == nil {
		return []Alternative{{}}, nil
	}
	return list, err
}

func (p *parser) compile(n node) ([]Alternative, error) {
	switch n := n.(type) {
	case words:
		return []Alternative{{Text: string(n)}}, nil
	case picture:
		return []Alternative{{Like: []string{string(n)}}}, nil
	case filter:
		return []Alternative{{Filter: n.Expression}}, nil
	case choice:
		return p.choice(n)
	case sequence:
		return p.sequence(n)
	case negation:
		return p.negation(n)
	}
	panic("query: a node of an unknown kind")
}

// choice puts what ranks side by side, and what only filters into one Or.
func (p *parser) choice(branches choice) (list []Alternative, err error) {
	pure := -1
	for _, branch := range branches {
		some, err := p.compile(branch)
		if err != nil {
			return nil, err
		}
		for _, one := range some {
			switch {
			case one.Ranked():
				list = append(list, one)
			case pure < 0:
				pure = len(list)
				list = append(list, one)
			default:
				list[pure].Filter = either(list[pure].Filter, one.Filter)
			}
		}
	}
	if len(list) > maxAlternatives {
		return nil, p.tooMany()
	}
	return list, nil
}

func (p *parser) tooMany() error {
	return p.fail(0, "the ORs of this query make more than %d different sentences: ask for fewer at once", maxAlternatives)
}

func (p *parser) sequence(nodes sequence) ([]Alternative, error) {
	list := []Alternative{{}}
	for _, n := range nodes {
		some, err := p.compile(n)
		if err != nil {
			return nil, err
		}
		if len(list)*len(some) > maxAlternatives {
			return nil, p.tooMany()
		}
		var product []Alternative
		for _, left := range list {
			for _, right := range some {
				product = append(product, join(left, right))
			}
		}
		list = product
	}
	return list, nil
}

func join(a, b Alternative) Alternative {
	text := a.Text
	if text != "" && b.Text != "" {
		text += " "
	}
	return Alternative{
		Text: text + b.Text, Like: slices.Concat(a.Like, b.Like),
		Away: slices.Concat(a.Away, b.Away), AwayLike: slices.Concat(a.AwayLike, b.AwayLike),
		Filter: both(a.Filter, b.Filter),
	}
}

// negation makes a filter of a filter, and of sentences ones to stay away from.
func (p *parser) negation(n negation) ([]Alternative, error) {
	some, err := p.compile(n.node)
	if err != nil {
		return nil, err
	}
	var away Alternative
	for _, one := range some {
		switch {
		case len(some) == 1 && !one.Ranked():
			return []Alternative{{Filter: opposite(one.Filter)}}, nil
		case one.Filter != nil:
			return nil, p.fail(n.at, "a minus before brackets takes either words or filters: put one minus before each")
		case len(one.Away)+len(one.AwayLike) > 0:
			return nil, p.fail(n.at, "a minus stands within another: leave both out")
		}
		if one.Text != "" {
			away.Away = append(away.Away, one.Text)
		}
		away.AwayLike = append(away.AwayLike, one.Like...)
	}
	return []Alternative{away}, nil
}

func both(a, b Expression) Expression {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	return And(slices.Concat(operands[And](a), operands[And](b)))
}

func either(a, b Expression) Expression {
	return Or(slices.Concat(operands[Or](a), operands[Or](b)))
}

// operands gives those of an expression of kind T, and any other as one.
func operands[T ~[]Expression](e Expression) []Expression {
	if list, ok := e.(T); ok {
		return list
	}
	return []Expression{e}
}

func opposite(e Expression) Expression {
	if inner, ok := e.(Not); ok {
		return inner.Of
	}
	return Not{e}
}
