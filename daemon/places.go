package daemon

import (
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/places"
)

// placesPath is where packages put the place names.
const placesPath = "/usr/share/vsed/places/places.bin"

// openPlaces opens the place names beside a build, else those of a package.
// Without any, or with a damaged file, the daemon does all else.
func openPlaces(log *slog.Logger) (*places.Gazetteer, error) {
	built, err := besides("../build/places/places.bin")
	if err != nil {
		return nil, err
	}
	for _, path := range []string{built, placesPath} {
		gazetteer, err := places.Open(path)
		if err == nil {
			return gazetteer, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			log.Error("photos get no place names", "error", err)
			return nil, nil
		}
	}
	log.Info("photos get no place names: there is no file of them", "looked_for", []string{built, placesPath})
	return nil, nil
}

// matchPlaces removes a keyword index that was made with other place names than
// those of this sum, and notes the sum for the one to be made. A note stands in
// the folder of its index, so the two come and go together.
func matchPlaces(folder, sum string, log *slog.Logger) error {
	note := filepath.Join(folder, "places")
	noted, err := os.ReadFile(note)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if string(noted) == sum {
		return nil
	}
	if _, err := os.Stat(folder); err == nil {
		log.Info("the keyword index is made anew from the catalogue: the place names have changed")
	}
	if err := os.RemoveAll(folder); err != nil || sum == "" {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	return os.WriteFile(note, []byte(sum), 0o600)
}

// locate fills in where a photo was taken.
func locate(answer *api.Metadata, p catalogue.Photo, gazetteer *places.Gazetteer) {
	if !p.Located {
		return
	}
	answer.Latitude, answer.Longitude = &p.Latitude, &p.Longitude
	place, _ := gazetteer.Near(p.Latitude, p.Longitude)
	answer.Place, answer.City, answer.Region, answer.Country = place.Name, place.City, place.Region, place.Country
	answer.PlaceKilometres = math.Round(10*place.Kilometres) / 10
}
