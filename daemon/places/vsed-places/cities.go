package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"vsed/daemon/places"
)

// A quarter of Rome is called Celio; a photo of it must be found by "Rome" too.
// The table does not say which places a city holds, so a city is taken to hold
// those of its own division within a circle of its population at
// cityDensity, a common figure for large cities, but not beyond cityReach.
const (
	cityPopulation = 100_000
	cityDensity    = 4000.0 // inhabitants a square kilometre
	cityReach      = 30.0   // kilometres
)

// GeoNames' kinds with a rule of their own.
const (
	kindQuarter = "PPLX" // section of a populated place
	kindFormer  = "PPLCH"
)

// gone are places that nobody lives in.
var gone = []string{"PPLQ", "PPLH", "PPLW", kindFormer}

// selected are the towns to keep, each with its city: not those that are gone,
// nor quarters of a town too small to be told, nor the smaller of two at one
// point. The order is that of population, the largest first.
func selected(towns []*town) []*town {
	slices.SortStableFunc(towns, func(a, b *town) int { return cmp.Compare(b.population, a.population) })
	cities := make(map[string][]*town) // by division
	taken := make(map[[2]float64]bool)
	var kept []*town
	for _, one := range towns {
		at := [2]float64{one.latitude, one.longitude}
		if taken[at] || slices.Contains(gone, one.kind) {
			continue
		}
		if city := holder(one, cities[one.division]); city != nil {
			one.city = city.name
		} else if one.kind == kindQuarter {
			continue
		} else if one.population >= cityPopulation {
			cities[one.division] = append(cities[one.division], one)
		}
		taken[at] = true
		kept = append(kept, one)
	}
	return kept
}

// holder is the largest of the cities that holds the town; nil: none does.
func holder(one *town, cities []*town) *town {
	for _, city := range cities {
		if apart(one, city) <= min(math.Sqrt(city.population/cityDensity/math.Pi), cityReach) && one.name != city.name {
			return city
		}
	}
	return nil
}

// apart is the distance in kilometres by the haversine formula.
func apart(a, b *town) float64 {
	const degree, diameter = math.Pi / 180, 2 * 6371.0088
	north := math.Sin((a.latitude - b.latitude) * degree / 2)
	east := math.Sin((a.longitude - b.longitude) * degree / 2)
	square := north*north + math.Cos(a.latitude*degree)*math.Cos(b.latitude*degree)*east*east
	return diameter * math.Asin(math.Sqrt(min(square, 1)))
}

func entries(towns []*town, divisions map[string]string) ([]places.Entry, error) {
	list := make([]places.Entry, len(towns))
	for i, one := range towns {
		country, err := countryName(one.country)
		if err != nil {
			return nil, fmt.Errorf("country of %s: %w", one.name, err)
		}
		list[i] = places.Entry{
			Place:    places.Place{Name: one.name, City: one.city, Region: divisions[one.division], Country: country},
			Latitude: one.latitude, Longitude: one.longitude,
		}
	}
	return list, nil
}

// renamed are countries whose name has changed since the names of x/text (those
// of Unicode's CLDR 32, of 2017).
var renamed = map[string]string{"MK": "North Macedonia", "SZ": "Eswatini"}

func countryName(code string) (string, error) {
	if name, ok := renamed[code]; ok {
		return name, nil
	}
	region, err := language.ParseRegion(code)
	if err != nil {
		return "", err
	}
	name := display.English.Regions().Name(region)
	if name == "" {
		return "", fmt.Errorf("no English name for %s", code)
	}
	return name, nil
}
