package contract

// What a trainer is given and gives back lies in one folder, a run's, as the files
// below. The daemon starts the trainer with that folder, reads its progress from
// standard output as that of a preparation, and waits for its end: status 0 where
// the report is there, whatever it says; else one line on standard error. A trainer
// needs nothing else but the bundle and the library that the task names, and ours keeps
// nothing else, where the system lets it.
const (
	TaskFile     = "task.json"    // a TrainingTask
	PhotosFile   = "photos.jsonl" // a TrainingPhoto a line
	FeaturesFile = "features.bin" // the photos' stored features, one after another, in their order
	ReportFile   = "report.json"  // a TrainingReport; written last
	CurvesFile   = "curves.json"  // a list of TrainingPoint
	PictureFile  = "curves.svg"   // the same, to look at
	LearnedFile  = "bundle"       // the folder of the learned encoder; absent where nothing is proposed
)

// TrainingFormat is the version of these files.
const TrainingFormat = 1

// TrainingPhotosLimit is how many photos a run has: it takes 584 MB of memory with
// 4,500, of the 600 that a small device has for it. Of more they are drawn by chance.
const TrainingPhotosLimit = 5_000

// A TrainingTask says what to learn on.
type TrainingTask struct {
	Format       int    `json:"format"`
	Bundle       string `json:"bundle"`        // folder of the encoder to begin from
	FeatureSpace string `json:"feature_space"` // of the features in the folder: the bundle's, or the task is refused
	Library      string `json:"library"`       // libonnxruntime; empty: where the trainer looks for it
	Name         string `json:"name"`          // of the learned encoder
	Seed         uint64 `json:"seed"`
	Threads      int    `json:"threads"`
	Photos       int64  `json:"photos,omitempty"` // of which those in the folder were drawn; 0: they are all
}

// A TrainingPhoto is a photo of the user's. Those without tags are examples for
// nothing but Refused.
type TrainingPhoto struct {
	Photo   int64    `json:"photo"`
	Tags    []string `json:"tags,omitempty"`    // of the user, of files and sidecars; normal form NFC, as shown
	Refused []string `json:"refused,omitempty"` // suggested, and refused
	Taken   string   `json:"taken,omitempty"`   // "2006-01-02T15:04:05", the camera's clock
	Looks   uint64   `json:"looks,omitempty"`   // perceptual hash; 0: unknown
	New     bool     `json:"new,omitempty"`     // the encoder to begin from has learned, and not from this photo
}

// Outcomes of a run.
const (
	Proposed   = "proposed"    // there is a bundle to apply
	NoProposal = "no proposal" // it would be no gain, or there is too little to learn from: Reason says which
)

// A TrainingReport says what came of a run. Values are in percent; before is the
// encoder that the task names, without what it has learned if it has, since that has
// seen the photos held out; after is the one proposed.
type TrainingReport struct {
	Format  int      `json:"format"`
	Outcome string   `json:"outcome"`
	Reason  string   `json:"reason,omitempty"` // of no proposal, one line with its remedy
	Notes   []string `json:"notes,omitempty"`  // what else a person should know, a line each

	Photos  int `json:"photos"`  // with tags, learned from
	Held    int `json:"held"`    // with tags, held out to measure, half of them to choose by where they are many
	Events  int `json:"events"`  // of both; no event is on both sides
	Tags    int `json:"tags"`    // different ones
	Learned int `json:"learned"` // those of them that are learned
	// Folds is in how many parts all photos were held out in turn, where few are tagged:
	// figures are of runs without the photo then, among those of its part, and what is
	// proposed is learned from all. 0: some were held out once.
	Folds int `json:"folds,omitempty"`

	Before TrainingFigures `json:"before"`
	After  TrainingFigures `json:"after"`
	// Parts are the figures of what was learned, each alone: "heads", "tags".
	Parts map[string]TrainingFigures `json:"parts,omitempty"`
	Gain  TrainingMeasure            `json:"gain"` // of the mean average precision, query by query
	Guard *TrainingGuard             `json:"guard,omitempty"`
	// Serving compares with the encoder that the task names as it is, where it has learned
	// and enough of the photos held out are new to it.
	Serving *TrainingServing `json:"serving,omitempty"`

	Kept       float64 `json:"kept"`        // part of the old heads' weights in the new ones (WiSE-FT); 1: the heads stay
	ClassNames float64 `json:"class_names"` // weight of the class names beside the heads; 0 where there are none

	PerTag   []TrainingTag     `json:"per_tag,omitempty"`
	Examples []TrainingExample `json:"examples,omitempty"`

	Seconds float64 `json:"seconds"`
	Memory  int64   `json:"memory"` // bytes resident at the most
}

// TrainingFigures are measured over the held-out photos, by single tags.
type TrainingFigures struct {
	MAP     TrainingMeasure `json:"map"`
	P5      TrainingMeasure `json:"p5"`
	R10     TrainingMeasure `json:"r10"`
	Queries int             `json:"queries"`
}

// A TrainingMeasure is a value and where it would lie with other queries of the
// kind, with 95 % confidence.
type TrainingMeasure struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// A TrainingGuard is what the encoder knew before: sentences that find their
// pictures among others that are not the user's.
type TrainingGuard struct {
	Pictures int             `json:"pictures"`
	Queries  int             `json:"queries"`
	R1Before float64         `json:"r1_before"`
	R1After  float64         `json:"r1_after"`
	Change   TrainingMeasure `json:"change"` // of R@1
}

// TrainingServing is measured on photos held out that are new to both encoders.
type TrainingServing struct {
	Photos int             `json:"photos"`
	Before TrainingFigures `json:"before"`
	After  TrainingFigures `json:"after"`
	Gain   TrainingMeasure `json:"gain"`
}

// A TrainingTag is what came of one tag.
type TrainingTag struct {
	Tag     string  `json:"tag"`
	Photos  int     `json:"photos"`            // that have it
	Held    int     `json:"held"`              // of them held out
	Before  float64 `json:"before"`            // average precision; of no meaning where Held is 0
	After   float64 `json:"after"`             // likewise
	Lacking int     `json:"lacking,omitempty"` // photos more that it takes before it is learned
}

// A TrainingExample is a query with what it finds first among the held-out photos.
type TrainingExample struct {
	Query    string  `json:"query"`
	Before   []int64 `json:"before"`   // photos, the best first
	After    []int64 `json:"after"`    // likewise
	Relevant []int64 `json:"relevant"` // those of both that have the tag
}

// A TrainingPoint is a point of a curve.
type TrainingPoint struct {
	Stage string  `json:"stage"`
	Epoch int     `json:"epoch"` // from 1
	Loss  float64 `json:"loss"`
}
