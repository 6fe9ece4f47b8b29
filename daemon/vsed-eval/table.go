package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"vsed/index/evaluate"
)

// A table takes figures and prints them as they come.
type table struct {
	out     io.Writer
	json    bool
	section string
}

// A figure is a line of the table. Value is in percent where Unit is "%".
type figure struct {
	Section string             `json:"section"`
	Queries string             `json:"queries"` // what was asked, and of which photos
	Way     string             `json:"way"`     // how the list was made
	Measure string             `json:"measure"`
	Value   float64            `json:"value"`
	Unit    string             `json:"unit,omitempty"`
	Chance  *evaluate.Interval `json:"interval,omitempty"` // 95 %, by drawing queries anew
	Count   int                `json:"count,omitempty"`    // of queries
}

func (t *table) add(f figure) error {
	f.Section = t.section
	if t.json {
		return json.NewEncoder(t.out).Encode(f)
	}
	chance := ""
	if f.Chance != nil {
		chance = fmt.Sprintf("  [%.1f, %.1f]", f.Chance.Low, f.Chance.High)
	}
	_, err := fmt.Fprintf(t.out, "%-10s %-34s %-24s %-26s %7.2f %s%s\n", f.Section, f.Queries, f.Way, f.Measure, f.Value, f.Unit, chance)
	return err
}

// percent is a mean over queries with its interval.
func percent(queries, way, measure string, values []float64) figure {
	chance := evaluate.Bootstrap(values, 1)
	return figure{
		Queries: queries, Way: way, Measure: measure, Value: 100 * evaluate.Mean(values), Unit: "%",
		Chance: &evaluate.Interval{Low: 100 * chance.Low, High: 100 * chance.High}, Count: len(values),
	}
}

func percentName(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

func joined(errs ...error) error { return errors.Join(errs...) }
