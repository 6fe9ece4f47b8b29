package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// PhotoShowOptions are those of `vsectl photo show`.
type PhotoShowOptions struct {
	Common
	Photo string
}

func newPhotoShowCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "show", Usage: "show a photo's files, tags and what it says of itself", ArgsUsage: "PHOTO", Description: photoHelp + "\n\n" + examples("vsectl photo show ~/Pictures/a.jpg", "vsectl photo show id:75"),
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("photo show takes one PHOTO: see `vsectl photo show --help`")
			}
			return runPhotoShow(c.Context, PhotoShowOptions{Common: common(c), Photo: c.Args().First()}, out)
		},
	})
}

func runPhotoShow(ctx context.Context, options PhotoShowOptions, out Screen) error {
	id, err := findPhoto(ctx, options.Client, options.Photo)
	if err != nil {
		return err
	}
	photo, err := options.Client.Photo(ctx, id)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(photo)
	}
	return out.fields(photoFields(photo))
}

func photoFields(photo api.Photo) []field {
	fields := []field{
		{"Photo", fmt.Sprintf("id:%d, %s", photo.ID, photo.State)},
		{"File", rawPath(photo.Path)},
	}
	if len(photo.Paths) == 0 && photo.Text != "" {
		fields[1].value = "none is known; " + rawPath(photo.Path) + " when its folder was removed"
	}
	for i, path := range photo.Paths {
		if i == 0 {
			fields[1].value = filePath(path, photo.Missing)
		} else {
			fields = append(fields, field{"", filePath(path, photo.Missing)})
		}
	}
	for _, path := range photo.Missing {
		if !slices.Contains(photo.Paths, path) {
			fields = append(fields, field{"", filePath(path, photo.Missing)})
		}
	}
	if photo.Metadata != nil {
		fields = append(fields, metadataFields(*photo.Metadata, photo.ID)...)
	}
	for i, tag := range photo.Tags {
		name := ""
		if i == 0 {
			name = "Tags"
		}
		fields = append(fields, field{name, tag.Name + " (" + tag.Source + ")"})
	}
	for i, tag := range photo.Learned {
		name := ""
		if i == 0 {
			name = "Learned"
		}
		fields = append(fields, field{name, tag.Tag + " " + sure(tag.Confidence)})
	}
	return append(fields, field{"SHA-256", photo.Digest})
}

// filePath is the path of a file, marked where the file is missing.
func filePath(path api.Path, missing []api.Path) string {
	if slices.Contains(missing, path) {
		return rawPath(path) + " (missing)"
	}
	return rawPath(path)
}

func metadataFields(m api.Metadata, id int64) []field {
	fields := []field{{"Title", m.Title}}
	for i, line := range strings.Split(strings.TrimSpace(m.Description), "\n") {
		name := ""
		if i == 0 {
			name = "Description"
		}
		fields = append(fields, field{name, strings.TrimRight(line, "\r")})
	}
	fields = append(append(fields, field{"Taken", taken(m)}), placeFields(m)...)
	fields = append(fields,
		field{"Camera", m.Camera},
		field{"Lens", m.Lens},
		field{"Rating", rating(m.Rating)},
		field{"Picture", picture(m)},
	)
	if m.Group != 0 && m.Group != id {
		fields = append(fields, field{"Similar", fmt.Sprintf("to id:%d: nearly the same, or of the same burst", m.Group)})
	}
	return fields
}

// takenFrom says where a time stands, and with it how sure it is.
func takenFrom(source string) string {
	switch source {
	case api.TakenEXIFOriginal:
		return "the camera's time"
	case api.TakenEXIFDigitised:
		return "when it was digitised"
	case api.TakenXMP:
		return "from XMP"
	case api.TakenIPTC:
		return "from IPTC"
	case api.TakenEXIFModified:
		return "when a program last changed it"
	case api.TakenGPS:
		return "the satellites' time"
	}
	return source
}

func taken(m api.Metadata) string {
	if m.Taken == "" {
		return ""
	}
	text := m.Taken
	if when, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
		text = when.Format(time.DateTime)
	}
	if m.TakenOffset != "" {
		text += " " + m.TakenOffset
	}
	if source := takenFrom(m.TakenSource); source != "" {
		text += " (" + source + ")"
	}
	return text
}

// farPlace is how many kilometres from its centre a photo is beside a place and
// not in it.
const farPlace = 10

// placeFields are the place's names and the coordinates.
func placeFields(m api.Metadata) []field {
	position := where(m)
	if m.Place == "" {
		return []field{{"Place", position}}
	}
	// A city, its region and even its country can have one name.
	names := slices.Compact(slices.DeleteFunc([]string{m.Place, m.City, m.Region, m.Country}, func(name string) bool { return name == "" }))
	text := strings.Join(names, ", ")
	if m.PlaceKilometres >= farPlace {
		text = fmt.Sprintf("%.0f km from %s", m.PlaceKilometres, text)
	}
	return []field{{"Place", text}, {"", position}}
}

// where gives the coordinates with the five digits that a metre needs.
func where(m api.Metadata) string {
	if m.Latitude == nil || m.Longitude == nil {
		return ""
	}
	return fmt.Sprintf("%.5f, %.5f", *m.Latitude, *m.Longitude)
}

func rating(n int) string {
	switch {
	case n < 0:
		return "rejected"
	case n == 0:
		return ""
	}
	return fmt.Sprintf("%d of 5", n)
}

func picture(m api.Metadata) string {
	var parts []string
	if m.Width > 0 && m.Height > 0 {
		parts = append(parts, fmt.Sprintf("%d × %d pixels", m.Width, m.Height))
	}
	if m.Format != "" {
		parts = append(parts, m.Format)
	}
	return strings.Join(parts, ", ")
}
