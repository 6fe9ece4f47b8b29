package query

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"vsed/daemon/nearest"
)

// fields are the names that may stand before a colon, each with an example.
var fields = []struct{ name, example string }{
	{"tag", "tag:beach"}, {"date", "date:2024-06..2024-08"}, {"place", "place:Paris"}, {"near", "near:48.85,2.35,5km"},
	{"camera", "camera:pixel"}, {"lens", "lens:50mm"}, {"folder", "folder:2024/**"}, {"name", "name:IMG_0042*"},
	{"rating", "rating:>=3"}, {"is", "is:untagged"}, {"like", "like:id:75"}, {"sort", "sort:date"}, {"group", "group:off"},
}

func fieldNames() []string {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.name
	}
	return names
}

func example(name string) string {
	for _, field := range fields {
		if field.name == name {
			return field.example
		}
	}
	return ""
}

func isOption(name string) bool {
	name = strings.ToLower(name)
	return name == "sort" || name == "group"
}

// plainColon reports whether what stands here is no field but text, as in
// "Note: a dog" and http://example.
func (p *parser) plainColon(name string) bool {
	if example(strings.ToLower(name)) != "" {
		return false
	}
	after := scanner{text: p.text, at: p.at + len(name) + 1}
	r, size := after.peek()
	return size == 0 || isBlank(r) || strings.HasPrefix(p.text[after.at:], "//")
}

// value reads a field's name and what follows the colon, and gives the place of
// that.
func (p *parser) value(written string) (name, value string, at int, err error) {
	begin := p.at
	name = strings.ToLower(written)
	if example(name) == "" {
		return "", "", 0, p.unknown(written)
	}
	p.at += len(name) + 1
	at = p.at
	if r, _ := p.peek(); closers(r) != "" {
		value, err = p.quotation()
	} else {
		value = p.word()
	}
	if err == nil && strings.TrimFunc(value, isBlank) == "" {
		err = p.fail(begin, `%s: needs a value right after the colon, as in %s, or quotation marks ("%s:") where the word is meant`, name, example(name), written)
	}
	return name, value, at, err
}

func (p *parser) unknown(written string) error {
	guess := "there are " + strings.Join(fieldNames(), ", ")
	if near := nearest.Of(strings.ToLower(written), fieldNames()); near != "" {
		guess = "did you mean " + near + ":?"
	}
	return p.fail(p.at, `there is no filter %s: (%s); where it is meant as text, put it in quotation marks`, written, guess)
}

func (p *parser) parseField(written string) (node, error) {
	name, value, at, err := p.value(written)
	if err != nil {
		return nil, err
	}
	if name == "like" {
		return picture(value), nil
	}
	expression, problem := p.expression(name, value)
	if problem != "" {
		return nil, p.fail(at, "%s", problem)
	}
	return filter{expression}, nil
}

func (p *parser) expression(name, value string) (expression Expression, problem string) {
	switch name {
	case "date":
		return parseDate(strings.ToLower(value), p.settings)
	case "rating":
		return parseRating(value)
	case "near":
		return parseNear(value)
	case "is":
		return parseIs(strings.ToLower(value))
	}
	return Match{Field(name), value}, ""
}

// option reads an option, which holds for the whole query.
func (p *parser) option(written string, at int, negated bool) error {
	name, value, valueAt, err := p.value(written)
	switch {
	case err != nil:
		return err
	case negated:
		return p.fail(at, "%s: is no filter and takes no minus: leave the minus out", name)
	case p.open > 0:
		return p.fail(at, "%s: holds for the whole query: put it outside the brackets", name)
	case slices.Contains(p.said, name):
		return p.fail(at, "%s: stands here a second time: leave one of them out", name)
	}
	p.said = append(p.said, name)
	value = strings.ToLower(value)
	ok := true
	if name == "sort" {
		p.query.Sort, ok = orders[value]
	} else {
		p.query.Ungrouped, ok = value == "off", value == "off" || value == "on"
	}
	if !ok {
		return p.fail(valueAt, "%s: takes %s", name, map[string]string{"sort": "date, oldest or relevance", "group": "on or off"}[name])
	}
	return nil
}

var orders = map[string]Order{"relevance": ByRelevance, "date": NewestFirst, "newest": NewestFirst, "oldest": OldestFirst}

const ratingHelp = "rating: takes a number from -1 (rejected) over 0 (not rated) to 5, as in rating:4, rating:>=3 or rating:1..3"

func parseRating(value string) (Expression, string) {
	rating := Rating{Least: -1, Most: 5}
	var into []*int
	var shift int
	switch rest, sign := cutSign(value); sign {
	case ">", ">=":
		into, shift, value = []*int{&rating.Least}, len(">=")-len(sign), rest
	case "<", "<=":
		into, shift, value = []*int{&rating.Most}, len(sign)-len("<="), rest
	default:
		from, to, isRange := strings.Cut(value, "..")
		if !isRange {
			to = from
		}
		return ratingBetween(from, to)
	}
	stars, err := strconv.Atoi(value)
	*into[0] = stars + shift
	if err != nil || stars < -1 || stars > 5 || rating.Least > rating.Most || rating.Most < -1 {
		return nil, ratingHelp
	}
	return rating, ""
}

func ratingBetween(from, to string) (Expression, string) {
	least, err := strconv.Atoi(from)
	most, errMost := strconv.Atoi(to)
	if err != nil || errMost != nil || least < -1 || most > 5 || least > most {
		return nil, ratingHelp
	}
	return Rating{least, most}, ""
}

// cutSign takes a comparison off the front of a value.
func cutSign(value string) (rest, sign string) {
	for _, sign := range []string{">=", "<=", ">", "<"} {
		if rest, ok := strings.CutPrefix(value, sign); ok {
			return rest, sign
		}
	}
	return value, ""
}

// defaultReach is the distance of a near: without one, in kilometres.
const defaultReach = 1

const nearHelp = "near: takes latitude, longitude and distance, as in near:48.85,2.35,5km (or 800m, 3mi); without a distance it is 1 km"

func parseNear(value string) (Expression, string) {
	parts := strings.Split(value, ",")
	if len(parts) < 2 || len(parts) > 3 {
		return nil, nearHelp
	}
	latitude, okLatitude := number(parts[0], 90)
	longitude, okLongitude := number(parts[1], 180)
	kilometres, okDistance := float64(defaultReach), true
	if len(parts) == 3 {
		kilometres, okDistance = distance(parts[2])
	}
	if !okLatitude || !okLongitude || !okDistance {
		return nil, nearHelp
	}
	return Near{latitude, longitude, kilometres}, ""
}

func number(text string, limit float64) (float64, bool) {
	value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return value + 0, err == nil && math.Abs(value) <= limit // + 0: no negative zero
}

// farthest is more than half the way around the earth, in kilometres.
const farthest = 20_040

func distance(text string) (kilometres float64, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	digits := strings.TrimRightFunc(text, unicode.IsLetter)
	unit, known := map[string]float64{"": 1, "km": 1, "m": 0.001, "mi": 1.609344}[text[len(digits):]]
	value, ok := number(digits, farthest*1000)
	kilometres = value * unit
	return kilometres, known && ok && kilometres > 0 && kilometres <= farthest
}

// properties are the words after is:, the second spelling of one behind it.
var properties = map[string]Property{
	"untagged": Untagged, "tagged": Tagged, "located": Located, "dated": Dated, "rated": Rated, "favourite": Favourite, "favorite": Favourite,
	"rejected": Rejected, "offline": Offline, "grouped": Grouped,
}

func parseIs(value string) (Expression, string) {
	property, ok := properties[value]
	if !ok {
		return nil, "is: takes untagged, tagged, located, dated, rated, favourite, rejected, offline or grouped"
	}
	return Is{property}, ""
}
