package cli

import (
	"slices"
	"testing"

	"vsed/daemon/api"
)

func TestPlaceFields(t *testing.T) {
	latitude, longitude := 38.69783, -9.20641
	f := func(m api.Metadata, want ...field) {
		t.Helper()
		m.Latitude, m.Longitude = &latitude, &longitude
		if got := placeFields(m); !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	position := "38.69783, -9.20641"
	f(api.Metadata{}, field{"Place", position})
	f(api.Metadata{Place: "Belém", City: "Lisbon", Region: "Lisbon", Country: "Portugal", PlaceKilometres: 9.9},
		field{"Place", "Belém, Lisbon, Portugal"}, field{"", position})
	f(api.Metadata{Place: "Schladming", Country: "Austria", PlaceKilometres: 17.6},
		field{"Place", "18 km from Schladming, Austria"}, field{"", position})
	if got := placeFields(api.Metadata{}); !slices.Equal(got, []field{{"Place", ""}}) {
		t.Errorf("nowhere: %+v", got)
	}
}
