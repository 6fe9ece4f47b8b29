// Package query reads the language in which photos are asked for: a sentence,
// filters such as tag:beach, signs and brackets, as docs/search.md tells users.
// It makes a small typed tree of them and says where and how a query is wrong.
// What a photo is and how it is found is no business of this package: a tree
// holds what was typed, not what it matches.
package query

import (
	"fmt"
	"time"
)

// A Query is what was asked for. It has at least one alternative; where it has
// several, a photo scores the highest of them.
type Query struct {
	Alternatives []Alternative
	Sort         Order
	Ungrouped    bool // show every photo of a burst or of near duplicates
}

// An Alternative is a way for a photo to match: by its likeness to what is
// wanted and away from what is not, among the photos that pass the filter. One
// without a sentence and without a picture has no scale: what passes, matches.
type Alternative struct {
	Text     string   // words with single blanks between; "" none
	Like     []string // photos to be like, as typed: a path, or id:75
	Away     []string // sentences to stay away from
	AwayLike []string // photos to stay away from
	Filter   Expression
}

// Ranked reports whether the alternative puts photos into an order.
func (a Alternative) Ranked() bool {
	return a.Text != "" || len(a.Like)+len(a.Away)+len(a.AwayLike) > 0
}

// An Order is how hits are sorted.
type Order int

// Orders of hits.
const (
	ByRelevance Order = iota
	NewestFirst
	OldestFirst
)

// An Expression says which photos pass: an And, Or, Not, Match, Date, Rating,
// Near or Is. A nil Expression lets all pass.
type Expression interface {
	String() string // as it stands in a query
	expression()
}

type (
	// And has two operands or more, none of them an And.
	And []Expression
	// Or has two operands or more, none of them an Or.
	Or []Expression
	// Not negates anything but a Not.
	Not struct{ Of Expression }
)

// A Match asks for a text in a field. In the pattern, * stands for any run of
// characters.
type Match struct {
	Field   Field
	Pattern string // not empty
}

// A Field is one that a Match can ask for.
type Field string

// Fields of a Match.
const (
	Tag    Field = "tag"
	Camera Field = "camera"
	Lens   Field = "lens"
	Folder Field = "folder"
	Name   Field = "name"
	Place  Field = "place"
)

// A Date passes photos that were taken from one day on and before another, both
// as 2006-01-02 of the camera's local time; "" where that end is open.
type Date struct{ From, Before string }

// A Rating passes photos rated in this range, both ends included: -1 is
// rejected, 0 not rated, 5 the best.
type Rating struct{ Least, Most int }

// Near passes photos taken at most so far from a position in degrees (WGS 84).
type Near struct{ Latitude, Longitude, Kilometres float64 }

// Is passes photos that have a property.
type Is struct{ Property Property }

func (And) expression()    {}
func (Or) expression()     {}
func (Not) expression()    {}
func (Match) expression()  {}
func (Date) expression()   {}
func (Rating) expression() {}
func (Near) expression()   {}
func (Is) expression()     {}

// A Property is one that Is can ask for.
type Property string

// Properties of a photo.
const (
	Untagged  Property = "untagged"
	Tagged    Property = "tagged"
	Located   Property = "located"
	Dated     Property = "dated"
	Rated     Property = "rated"
	Favourite Property = "favourite"
	Rejected  Property = "rejected"
	Offline   Property = "offline"
	Grouped   Property = "grouped"
)

// Settings are what words such as today and last-summer depend on.
type Settings struct {
	Now   time.Time // in the user's time zone
	South bool      // whether summer is from December to February
}

// An Error says what of a query is wrong, and what to write instead.
type Error struct {
	Character int // where, from 1 on
	Problem   string
}

func (e *Error) Error() string { return fmt.Sprintf("at character %d: %s", e.Character, e.Problem) }
