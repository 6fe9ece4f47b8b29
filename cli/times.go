package cli

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// ago tells a time of the API as its distance from now, as people ask for it;
// after a month as a date.
func ago(text string, now time.Time) string {
	when, err := time.Parse(time.RFC3339, text)
	switch {
	case text == "":
		return "not yet"
	case err != nil:
		return text
	case now.Sub(when) > 30*day:
		return when.Local().Format(time.DateOnly)
	}
	return span(now.Sub(when)) + " ago"
}

// until tells a time of the API that is still to come.
func until(text string, now time.Time) string {
	when, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return text
	case when.Before(now):
		return "now"
	}
	return "in " + span(when.Sub(now))
}

// moment shows a time of the API in the user's time zone, exactly.
func moment(text string) string {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return when.Local().Format(time.DateTime)
}

// span tells a time in its largest unit. Clocks that differ a little give none
// below zero.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/day)
}

// lag tells how far a folder is behind.
func lag(seconds float64) string {
	if seconds <= 0 {
		return "0 s"
	}
	// Before a year that a damaged answer would overflow.
	return span(time.Duration(min(seconds, 3e7)*float64(time.Second)) + time.Second - 1)
}
