package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A town is a line of GeoNames' table.
type town struct {
	name                string
	kind                string // GeoNames' feature code, such as PPL
	country, division   string // codes; the division's is unique in the country
	latitude, longitude float64
	population          float64 // 0: not known

	city string // of cities.go
}

// The columns of the table that are read, of GeoNames' 19.
const (
	columnName       = 1
	columnLatitude   = 4
	columnLongitude  = 5
	columnKind       = 7
	columnCountry    = 8
	columnDivision   = 10
	columnPopulation = 14
	columns          = 19
)

func readTowns(path string) (towns []*town, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20) // the other names of a capital are many
	for lines.Scan() {
		one, err := parseTown(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, len(towns)+1, err)
		}
		towns = append(towns, one)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return towns, nil
}

func parseTown(line string) (*town, error) {
	fields := strings.Split(line, "\t")
	if len(fields) != columns {
		return nil, fmt.Errorf("%d columns, want %d", len(fields), columns)
	}
	latitude, err1 := strconv.ParseFloat(fields[columnLatitude], 64)
	longitude, err2 := strconv.ParseFloat(fields[columnLongitude], 64)
	population, err3 := strconv.ParseFloat(fields[columnPopulation], 64)
	return &town{
		name: fields[columnName], kind: fields[columnKind],
		country: fields[columnCountry], division: fields[columnCountry] + "." + fields[columnDivision],
		latitude: latitude, longitude: longitude, population: population,
	}, errors.Join(err1, err2, err3)
}

// readDivisions gives the names of the countries' first divisions by code, such
// as US.CA.
func readDivisions(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []struct{ Code, Name string }
	if err := json.Unmarshal(content, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	names := make(map[string]string, len(rows))
	for _, row := range rows {
		names[row.Code] = row.Name
	}
	return names, nil
}
