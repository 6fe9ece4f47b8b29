package query

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	dayLayout = "2006-01-02"
	dateHelp  = "date: takes a year, a month, a day or a range (2024, 2024-06, 2024-06-30, 2023..2024-06, >=2020), " +
		"today, yesterday, this- or last-week, -month, -year or a season (last-summer, winter-2023), or last-30-days"
)

// The first and the last year of a date: others are slips.
const (
	firstYear = 1800
	lastYear  = 2999
)

// A span is the days from one on and before another.
type span struct{ from, before time.Time }

func parseDate(value string, settings Settings) (expression Expression, problem string) {
	var from, before string
	ok := true
	if rest, sign := cutSign(value); sign != "" {
		from, before, ok = compared(rest, sign, settings)
	} else if first, last, isRange := strings.Cut(value, ".."); isRange {
		from, before, ok = between(first, last, settings)
	} else {
		var whole span
		whole, ok = spanOf(value, settings)
		from, before = whole.from.Format(dayLayout), whole.before.Format(dayLayout)
	}
	if !ok {
		return nil, dateHelp
	}
	if from != "" && before != "" && from >= before {
		return nil, "this date ends before it begins: exchange the two ends"
	}
	return Date{from, before}, ""
}

func compared(value, sign string, settings Settings) (from, before string, ok bool) {
	whole, ok := spanOf(value, settings)
	switch sign {
	case ">":
		from = whole.before.Format(dayLayout)
	case ">=":
		from = whole.from.Format(dayLayout)
	case "<":
		before = whole.from.Format(dayLayout)
	case "<=":
		before = whole.before.Format(dayLayout)
	}
	return from, before, ok
}

func between(first, last string, settings Settings) (from, before string, ok bool) {
	if first == "" && last == "" {
		return "", "", false
	}
	if first != "" {
		whole, known := spanOf(first, settings)
		if !known {
			return "", "", false
		}
		from = whole.from.Format(dayLayout)
	}
	if last != "" {
		whole, known := spanOf(last, settings)
		if !known {
			return "", "", false
		}
		before = whole.before.Format(dayLayout)
	}
	return from, before, true
}

// spanOf gives the days that a word names.
func spanOf(word string, settings Settings) (span, bool) {
	whole, ok := calendar(word)
	if !ok {
		whole, ok = relative(word, settings)
	}
	return whole, ok && whole.from.Year() >= firstYear && whole.from.Year() <= lastYear
}

// calendar reads 2024, 2024-06 and 2024-06-30.
func calendar(word string) (span, bool) {
	for layout, length := range map[string][3]int{"2006": {1, 0, 0}, "2006-01": {0, 1, 0}, dayLayout: {0, 0, 1}} {
		if from, err := time.Parse(layout, word); err == nil {
			return span{from, from.AddDate(length[0], length[1], length[2])}, true
		}
	}
	return span{}, false
}

func relative(word string, settings Settings) (span, bool) {
	year, month, day := settings.Now.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	switch word {
	case "today":
		return days(today, 1), true
	case "yesterday":
		return days(today.AddDate(0, 0, -1), 1), true
	}
	if season, ok := seasonOf(word, today, settings.South); ok {
		return season, true
	}
	which, unit, _ := strings.Cut(word, "-")
	if which != "this" && which != "last" {
		return span{}, false
	}
	if count, ok := dayCount(unit); ok && which == "last" {
		return days(today.AddDate(0, 0, 1-count), count), true
	}
	back := 0
	if which == "last" {
		back = -1
	}
	return unitOf(unit, today, back)
}

func days(from time.Time, count int) span { return span{from, from.AddDate(0, 0, count)} }

var dayCountForm = regexp.MustCompile(`^([1-9][0-9]{0,4})-days?$`)

func dayCount(unit string) (int, bool) {
	found := dayCountForm.FindStringSubmatch(unit)
	if found == nil {
		return 0, false
	}
	count, err := strconv.Atoi(found[1])
	return count, err == nil
}

// unitOf gives the week, month or year that today lies in, or one further back.
// A week begins on Monday.
func unitOf(unit string, today time.Time, back int) (span, bool) {
	switch unit {
	case "week":
		monday := today.AddDate(0, 0, -(int(today.Weekday())+6)%7+7*back)
		return days(monday, 7), true
	case "month":
		first := time.Date(today.Year(), today.Month()+time.Month(back), 1, 0, 0, 0, 0, time.UTC)
		return span{first, first.AddDate(0, 1, 0)}, true
	case "year":
		first := time.Date(today.Year()+back, time.January, 1, 0, 0, 0, 0, time.UTC)
		return span{first, first.AddDate(1, 0, 0)}, true
	}
	return span{}, false
}

// seasons are those of meteorology: three whole months each, in the north from
// March on.
var seasons = []string{"spring", "summer", "autumn", "winter"}

var seasonForm = regexp.MustCompile(`^(?:(this|last)-)?(spring|summer|autumn|fall|winter)(?:-([0-9]{4}))?$`)

// seasonOf reads summer-2023, last-summer (the latest that is over) and
// this-summer (the one that is on, else the one of this year). A season across
// the turn of the year belongs to the year in which it begins.
func seasonOf(word string, today time.Time, south bool) (span, bool) {
	found := seasonForm.FindStringSubmatch(word)
	if found == nil || (found[1] == "") == (found[3] == "") {
		return span{}, false
	}
	number := slices.Index(seasons, strings.Replace(found[2], "fall", "autumn", 1))
	if south {
		number = (number + 2) % 4
	}
	in := func(year int) span {
		from := time.Date(year, time.March+time.Month(3*number), 1, 0, 0, 0, 0, time.UTC)
		return span{from, from.AddDate(0, 3, 0)}
	}
	if found[3] != "" {
		year, err := strconv.Atoi(found[3])
		return in(year), err == nil
	}
	if found[1] == "this" {
		if before := in(today.Year() - 1); today.Before(before.before) {
			return before, true
		}
		return in(today.Year()), true
	}
	season := in(today.Year())
	for year := today.Year(); today.Before(season.before); year-- {
		season = in(year - 1)
	}
	return season, true
}
