// Package api is the daemon's HTTP interface as its clients see it: the JSON
// objects of /v1, the error type, and a client for the unix socket. It holds no
// behaviour of the daemon; package server answers, packages under cli ask.
package api

import (
	"encoding/base64"
	"unicode/utf8"
)

// DefaultSocket is where the daemon listens when nothing else is configured.
const DefaultSocket = "/run/vsed/vsed.sock"

// File states, as counted by Counts and shown on a hit. StateIgnored is never
// the state of a hit.
const (
	StateEncoded     = "encoded"
	StateWaiting     = "waiting"
	StateQuarantined = "quarantined"
	StateOffline     = "offline"
	StateMissing     = "missing"
	StateIgnored     = "ignored"
)

// A Path is the name of a file or folder. Paths are bytes: where Text is not
// the exact bytes (not valid UTF-8), Base64 holds them and Text is for reading.
type Path struct {
	Text   string `json:"path" doc:"for reading; exact where path_base64 is absent"`
	Base64 string `json:"path_base64,omitempty" doc:"the exact bytes, only where they are not UTF-8"`
}

// NewPath makes the JSON form of the exact bytes raw.
func NewPath(raw string) Path {
	if utf8.ValidString(raw) {
		return Path{Text: raw}
	}
	return Path{Text: string([]rune(raw)), Base64: base64.StdEncoding.EncodeToString([]byte(raw))}
}

// Raw gives the exact bytes of the path, or an error where Base64 is damaged.
func (p Path) Raw() (string, error) {
	if p.Base64 == "" {
		return p.Text, nil
	}
	raw, err := base64.StdEncoding.DecodeString(p.Base64)
	return string(raw), err
}

// A Tag is a word that a photo carries, with who said so.
type Tag struct {
	Name   string `json:"name"`
	Source string `json:"source" enum:"user,file,sidecar,learned"`
}

// A Photo is one content, with the files that hold it.
type Photo struct {
	ID int64 `json:"id" doc:"never reused"`
	Path
	Paths []Path `json:"paths" doc:"the files with this content that are there, or in a folder that is away; where all are missing, those; none is known after its folder was removed, and path is where it was then, of a photo that the user tagged"`
	Tags  []Tag  `json:"tags"`
	State string `json:"state" enum:"encoded,waiting,quarantined,offline,missing"`
	// Missing, Digest and Metadata are given where one photo is asked for, and
	// Digest in an export.
	Missing  []Path    `json:"missing_paths,omitempty" doc:"the files that had this content and are missing, moved ones among them"`
	Digest   string    `json:"digest,omitempty" doc:"SHA-256 of the content, in hexadecimal"`
	Metadata *Metadata `json:"metadata,omitempty" doc:"what the file says of itself"`
	// Learned is given where one photo is asked for.
	Learned []LearnedTag `json:"learned,omitempty" doc:"tags that were learned and suggest themselves, the surest first; none of them is among tags"`
}

// How sure the time of a photo is: the surest first.
const (
	TakenEXIFOriginal  = "exif_original"  // when the shutter opened
	TakenEXIFDigitised = "exif_digitised" // when it was scanned or stored
	TakenXMP           = "xmp"
	TakenIPTC          = "iptc"
	TakenEXIFModified  = "exif_modified" // when a program last wrote it
	TakenGPS           = "gps"           // the satellites' time, in UTC
)

// Metadata is what a photo's file or sidecar says of it. What is not known is
// absent.
type Metadata struct {
	Taken       string   `json:"taken,omitempty" doc:"the camera's local time, as 2019-07-03T14:05:06"`
	TakenOffset string   `json:"taken_offset,omitempty" doc:"of taken from UTC, as +02:00"`
	TakenSource string   `json:"taken_source,omitempty" enum:"exif_original,exif_digitised,xmp,iptc,exif_modified,gps" doc:"where taken stands, the surest first"`
	Camera      string   `json:"camera,omitempty"`
	Lens        string   `json:"lens,omitempty"`
	Latitude    *float64 `json:"latitude,omitempty" minimum:"-90" maximum:"90" doc:"degrees, WGS 84; with longitude or not at all"`
	Longitude   *float64 `json:"longitude,omitempty" minimum:"-180" maximum:"180"`
	// Place to Country name the nearest populated place within 50 km, of GeoNames.
	Place           string  `json:"place,omitempty" doc:"nearest populated place within 50 km; GeoNames, CC BY 4.0"`
	PlaceKilometres float64 `json:"place_kilometres,omitempty" doc:"from the centre of the place"`
	City            string  `json:"city,omitempty" doc:"the large city that the place lies in, where it is no city itself"`
	Region          string  `json:"region,omitempty" doc:"the country's first division, as a state"`
	Country         string  `json:"country,omitempty" doc:"in English"`
	Title           string  `json:"title,omitempty"`
	Description     string  `json:"description,omitempty" doc:"may have several lines"`
	Rating          int     `json:"rating,omitempty" minimum:"-1" maximum:"5" doc:"-1: rejected; absent: none"`
	Width           int     `json:"width,omitempty" doc:"pixels, upright"`
	Height          int     `json:"height,omitempty" doc:"pixels, upright"`
	Format          string  `json:"format,omitempty" doc:"of the content, whatever the file's name says"`
	Group           int64   `json:"group,omitempty" doc:"the number of the first of the near duplicates or of the burst that the photo belongs to; its own where it is the first or alone"`
}

// Fields that a word of a query can stand in.
const (
	FieldTag         = "tag"
	FieldTitle       = "title"
	FieldDescription = "description"
	FieldName        = "name"
	FieldPlace       = "place"
	FieldCamera      = "camera"
	FieldFolder      = "folder"
	FieldLearned     = "learned" // a tag that the encoder has learned
)

// A Match is a word of the query that a photo has.
type Match struct {
	Word  string   `json:"word" doc:"as it was asked for; empty: the query as a whole"`
	Field string   `json:"field" enum:"tag,title,description,name,place,camera,folder,learned"`
	Texts []string `json:"texts" doc:"what has the word in that field, such as the tag; of learned ones with how sure it is"`
}

// A Hit is a photo that was found.
type Hit struct {
	Photo
	Score   float64 `json:"score" doc:"fused score; comparable within one answer only"`
	Matches []Match `json:"matches" doc:"words of the query that the photo has; none: it looks like what was asked for, or passes the filters"`
	Ranked  bool    `json:"ranked" doc:"false: it was not ranked, it passes the filters"`
	Similar int     `json:"similar,omitempty" doc:"how many others of the same burst or near duplicates it stands for, whether or not they were found; a query with group:off lists each"`
	// Reason is given with explain only.
	Reason *Reason `json:"reason,omitempty"`
}

// A Reason tells how a hit came to its place.
type Reason struct {
	Cosine     *float64 `json:"cosine,omitempty" doc:"of the photo's vector to the query's; absent: it has none"`
	VectorRank int      `json:"vector_rank,omitempty" doc:"place among what looks like it, from 1 on; absent: not among its best"`
	WordRank   int      `json:"word_rank,omitempty" doc:"place among what has its words, from 1 on; absent: not among its best"`
	Filters    []string `json:"filters" doc:"filters that the photo passed"`
}

// SearchResult is the answer of GET /v1/search.
type SearchResult struct {
	Hits      []Hit  `json:"hits"`
	Next      string `json:"next" doc:"cursor of the next page; empty at the end"`
	GoodMatch bool   `json:"good_match" doc:"whether anything found is likely what was asked for"`
	// Partial says that one of the two indexes could not be asked, and why.
	Partial string `json:"partial,omitempty"`
	// Explanation is given with explain only.
	Explanation *Explanation `json:"explanation,omitempty"`
}

// An Explanation tells what was made of a query.
type Explanation struct {
	Parsed   string `json:"parsed" doc:"the query as it was understood"`
	Rows     int    `json:"rows" doc:"vectors that were scanned"`
	Rescored int    `json:"rescored" doc:"of those, the ones whose cosine was computed exactly"`
	Steps    []Step `json:"steps" doc:"in the order of their begin; the encoder works beside filters and words"`
}

// A Step is a part of the work on a query.
type Step struct {
	Name         string  `json:"name"`
	Milliseconds float64 `json:"ms"`
}

// Counts accounts for every file under the folders. Total is the sum of the
// four states of photos that are there, or in a folder that is away; Missing and
// Ignored count the other files.
type Counts struct {
	Total       int64 `json:"total" doc:"encoded, waiting, quarantined and offline together; missing and ignored files are no part of it"`
	Encoded     int64 `json:"encoded"`
	Waiting     int64 `json:"waiting"`
	Quarantined int64 `json:"quarantined"`
	Offline     int64 `json:"offline"`
	Missing     int64 `json:"missing"`
	Ignored     int64 `json:"ignored"`
	// OfflineEncoded is a part of Offline.
	OfflineEncoded int64 `json:"offline_encoded" doc:"those of offline that are encoded, and found"`
}

// Add sums up the counts of another folder.
func (c *Counts) Add(other Counts) {
	c.Total += other.Total
	c.Encoded += other.Encoded
	c.Waiting += other.Waiting
	c.Quarantined += other.Quarantined
	c.Offline += other.Offline
	c.Missing += other.Missing
	c.Ignored += other.Ignored
	c.OfflineEncoded += other.OfflineEncoded
}

// Encoder is the encoder in use.
type Encoder struct {
	Space    string `json:"space"`
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Problem  string `json:"problem,omitempty" doc:"why it does not run at present, with the remedy"`
	// Preparation is given where one goes on, or did not succeed.
	Preparation *Preparation `json:"preparation,omitempty"`
}

// Preparation is what makes an encoder faster, while it already serves: such as
// an engine that is built for this GPU.
type Preparation struct {
	Encoder string  `json:"encoder"`
	What    string  `json:"what"`
	Step    string  `json:"step,omitempty"`
	Done    int     `json:"done"`
	Total   int     `json:"total" doc:"steps; 0: not known"`
	Seconds float64 `json:"seconds" doc:"since it began, or how long it took"`
	Failed  string  `json:"failed,omitempty" doc:"why it is of no use; it is tried again after a restart"`
}

// Decoder is the program that reads photos' bytes.
type Decoder struct {
	Name    string `json:"name"`
	Sandbox string `json:"sandbox,omitempty" doc:"what of the sandbox could not be put on"`
	Problem string `json:"problem,omitempty" doc:"why it does not run at present, with the remedy"`
}

// A Folder is a watched root.
type Folder struct {
	Path
	State        string           `json:"state" enum:"online,offline,not answering" doc:"not answering: a call to its filesystem does not return"`
	Mode         string           `json:"mode" enum:"watching,polling,partly polling" doc:"how changes are noticed; partly polling: the watch limit was reached"`
	Filesystem   string           `json:"filesystem,omitempty" doc:"its type, as ext4 or nfs"`
	Problem      string           `json:"problem,omitempty"`
	LastScan     string           `json:"last_scan,omitempty" format:"date-time" doc:"end of the last full scan"`
	LagSeconds   float64          `json:"lag_seconds" doc:"age of the oldest change not yet taken in; 0: none"`
	Counts       Counts           `json:"photos"`
	IgnoredRules map[string]int64 `json:"ignored_rules,omitempty" doc:"ignored files by the rule that ignored them"`
}

// States of a folder.
const (
	FolderOnline       = "online"
	FolderOffline      = "offline"
	FolderNotAnswering = "not answering"
)

// A QuarantinedFile is a file that was set aside, with its reason. A change of
// the file has it tried at once, whatever NextAttempt says.
type QuarantinedFile struct {
	ID int64 `json:"id" doc:"the file's number, which is not a photo's"`
	Path
	Reason      string `json:"reason" doc:"one sentence of the decoder or the encoder"`
	Attempts    int64  `json:"attempts"`
	LastAttempt string `json:"last_attempt,omitempty" format:"date-time"`
	NextAttempt string `json:"next_attempt,omitempty" format:"date-time" doc:"absent: when the file changes, or on request"`
}

// An UnreadableSidecar is an XMP file beside photos that cannot be read. A change
// of it has it tried at once, whatever NextAttempt says.
type UnreadableSidecar struct {
	Path
	Reason      string `json:"reason"`
	NextAttempt string `json:"next_attempt,omitempty" format:"date-time" doc:"absent: when the file changes"`
}

// Status is the answer of GET /v1/status.
type Status struct {
	Ready   bool     `json:"ready" doc:"whether every folder has been scanned whole, nothing waits and all of it can be found"`
	Version string   `json:"version"`
	Photos  Counts   `json:"photos"`
	Rate    float64  `json:"rate" doc:"photos encoded a second, over the last ten seconds"`
	Change  int64    `json:"change" doc:"the newest change number"`
	Problem string   `json:"problem,omitempty" doc:"why photos wait, such as a full disk"`
	Encoder Encoder  `json:"encoder"`
	Decoder Decoder  `json:"decoder"`
	Folders []Folder `json:"folders"`
	// Quarantined lists the newest of the files set aside, at most a hundred.
	Quarantined []QuarantinedFile `json:"quarantined"`
	// Sidecars lists the first of the sidecars that cannot be read, at most a hundred.
	Sidecars           []UnreadableSidecar `json:"sidecars" doc:"sidecars that cannot be read, the first hundred by path: what they said before stands"`
	UnreadableSidecars int64               `json:"unreadable_sidecars" doc:"how many there are"`
}

// An Event tells of one change of the catalogue; its Change is the id of the
// server-sent event that carries it.
type Event struct {
	Change int64  `json:"change"`
	Kind   string `json:"kind" enum:"photo_encoded,photo_tagged,file_found,file_missing,file_quarantined,folder_added,folder_removed,folder_offline,folder_online,learning_proposed"`
	Photo  int64  `json:"photo,omitempty"`
	Path   *Path  `json:"path,omitempty"`
}

// An Error is a refusal by the daemon: problem+json on the wire. Detail is one
// line that names the thing and says what to do.
type Error struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (e *Error) Error() string { return e.Detail }
