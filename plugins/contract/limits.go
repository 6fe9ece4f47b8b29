package contract

// Bounds on a photo's metadata, which a decoder keeps by leaving out or cutting
// what exceeds them; lengths are in bytes of UTF-8. Texts hold no control and no
// formatting characters but the joiners of emoji and of Persian and Indian
// scripts, and in a description line breaks.
const (
	KeywordsLimit    = 256 // keywords of a photo
	KeywordLimit     = 255
	TitleLimit       = 1024
	DescriptionLimit = 8192
)

// SidecarLimit is the largest XMP sidecar, in bytes, that a decoder need read.
const SidecarLimit = 4 << 20

// RetireTrailer is the key in an answer's trailing metadata under which a decoder
// asks to be replaced.
const RetireTrailer = "vsed-retire"
