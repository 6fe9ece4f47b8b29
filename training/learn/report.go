package learn

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"vsed/plugins/contract"
	"vsed/training/evaluation"
	"vsed/training/runfolder"
)

const (
	// Examples are of what gained and of what lost most, and hits of each.
	gained, lost, hits = 5, 2, 10
)

// count fills in what there is, whatever comes of it.
func (r *run) count() {
	r.report.Photos, r.report.Held = len(r.split.learn), len(r.split.out())
	r.report.Events, r.report.Tags, r.report.Learned = r.split.events, len(r.split.counts), len(r.split.learnable)
	if len(r.split.folds) > 1 {
		r.report.Folds = len(r.split.folds)
	}
	if r.split.learn == nil {
		r.report.Photos, r.report.Learned = len(r.input.photos)-len(r.split.refused), 0
	}
	held := map[string]int{}
	for _, place := range r.split.held.places {
		for _, tag := range r.input.photos[place].tags {
			held[tag]++
		}
	}
	for _, tag := range r.split.all() {
		if len(r.report.PerTag) == mostTags {
			r.note("%s not listed by name, on few photos each", plural(len(r.split.counts)-mostTags, "tag is", "tags are"))
			break
		}
		photos := r.split.counts[tag]
		r.report.PerTag = append(r.report.PerTag, contract.TrainingTag{Tag: tag, Photos: photos, Held: held[tag], Lacking: max(0, leastOfTag-photos)})
	}
}

func measure(m evaluation.Measure) contract.TrainingMeasure {
	return contract.TrainingMeasure{Value: m.Value, Low: m.Low, High: m.High}
}

func figures(of evaluation.TagReport) contract.TrainingFigures {
	return contract.TrainingFigures{MAP: measure(of.MAP), P5: measure(of.P5), R10: measure(of.R10), Queries: len(of.Queries)}
}

// tell fills in what a way comes to.
func (r *run) tell(j *judge, found compared) {
	before, after := found.before, found.after
	r.report.After, r.report.Gain, r.report.Serving = figures(after.report), measure(found.gain), found.serving
	asked := map[string]int{}
	for i, query := range before.report.Queries {
		asked[query.Tags[0]] = i
	}
	for i := range r.report.PerTag {
		if at, ok := asked[r.report.PerTag[i].Tag]; ok {
			r.report.PerTag[i].Before, r.report.PerTag[i].After = before.report.Queries[at].AveragePrecision, after.report.Queries[at].AveragePrecision
		}
	}
	r.report.Examples = nil
	for _, at := range telling(before.report, after.report) {
		r.report.Examples = append(r.report.Examples, j.example(at, before, after))
	}
}

// telling gives the queries that gained most, and those that lost most.
func telling(before, after evaluation.TagReport) []int {
	order := make([]int, len(before.Queries))
	for i := range order {
		order[i] = i
	}
	change := func(i int) float64 { return after.Queries[i].AveragePrecision - before.Queries[i].AveragePrecision }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(change(b), change(a)) })
	if len(order) <= gained+lost {
		return order
	}
	return append(order[:gained:gained], order[len(order)-lost:]...)
}

// example shows what a query finds among photos that are ranked together: those of which
// most answer it.
func (j *judge) example(at int, before, after ranked) contract.TrainingExample {
	query := j.split.held.asked()[at]
	shown := contract.TrainingExample{Query: query.Tags[0]}
	answers := func(part []int) (count int) {
		for _, photo := range part {
			if query.Relevant[photo] {
				count++
			}
		}
		return count
	}
	part := slices.MaxFunc(j.split.held.parts, func(a, b []int) int { return answers(a) - answers(b) })
	first := func(scores []float64) (photos []int64) {
		order := slices.Clone(part)
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
		for _, i := range order[:min(hits, len(order))] {
			id := j.input.photos[j.split.held.places[i]].id
			photos = append(photos, id)
			if query.Relevant[i] && !slices.Contains(shown.Relevant, id) {
				shown.Relevant = append(shown.Relevant, id)
			}
		}
		return photos
	}
	shown.Before, shown.After = first(before.scores[at]), first(after.scores[at])
	return shown
}

// writeCurves writes the curves as numbers and as a picture.
func (r *run) writeCurves() error {
	points := r.points
	if points == nil {
		points = []contract.TrainingPoint{}
	}
	data, err := json.Marshal(points)
	if err != nil {
		return err
	}
	var curves []runfolder.Curve
	for _, point := range points {
		if name := "loss of the " + point.Stage; len(curves) == 0 || curves[len(curves)-1].Name != name {
			curves = append(curves, runfolder.Curve{Name: name})
		}
		curve := &curves[len(curves)-1]
		curve.Points = append(curve.Points, runfolder.Point{At: point.Epoch, Value: point.Loss})
	}
	if err := r.write(contract.CurvesFile, append(data, '\n')); err != nil {
		return err
	}
	return r.write(contract.PictureFile, runfolder.Draw(curves))
}

// writeReport puts the report in its place when it is whole.
func (r *run) writeReport() error {
	data, err := json.MarshalIndent(r.report, "", "  ")
	if err != nil {
		return err
	}
	if err := r.write(contract.ReportFile+".part", append(data, '\n')); err != nil {
		return err
	}
	path := filepath.Join(r.folder, contract.ReportFile)
	return os.Rename(path+".part", path)
}

func (r *run) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.folder, name), data, 0o600)
}

// mostResident is the most memory that this process has had, in bytes; 0 where the
// system does not say.
func mostResident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
