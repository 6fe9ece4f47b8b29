package daemon

import (
	"encoding/hex"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/daemon/places"
	"vsed/plugins/contract"
)

// described is a photo with all that is known of it.
func described(p catalogue.Photo, gazetteer *places.Gazetteer) api.Photo {
	answer := photo(p)
	_, missing := there(p.Files)
	answer.Missing = filePaths(missing)
	answer.Digest = hex.EncodeToString(p.Digest[:])
	answer.Metadata = &api.Metadata{
		Taken: p.Taken, TakenOffset: p.TakenOffset, TakenSource: takenSource(contract.TakenSource(p.TakenSource)),
		Camera: p.Camera, Lens: p.Lens, Title: p.Title, Description: p.Description, Rating: p.Rating,
		Width: p.Width, Height: p.Height, Format: p.Format, Group: p.Group,
	}
	locate(answer.Metadata, p, gazetteer)
	return answer
}

func takenSource(source contract.TakenSource) string {
	switch source {
	case contract.TakenSource_TAKEN_SOURCE_EXIF_ORIGINAL:
		return api.TakenEXIFOriginal
	case contract.TakenSource_TAKEN_SOURCE_EXIF_DIGITISED:
		return api.TakenEXIFDigitised
	case contract.TakenSource_TAKEN_SOURCE_XMP:
		return api.TakenXMP
	case contract.TakenSource_TAKEN_SOURCE_IPTC:
		return api.TakenIPTC
	case contract.TakenSource_TAKEN_SOURCE_EXIF_MODIFIED:
		return api.TakenEXIFModified
	case contract.TakenSource_TAKEN_SOURCE_GPS:
		return api.TakenGPS
	}
	return ""
}
