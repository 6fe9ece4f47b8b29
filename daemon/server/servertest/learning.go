package servertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"vsed/daemon/api"
)

// A Learning is a server.Learning in memory. Its fields are set before it is
// served.
type Learning struct {
	Runs    []api.LearningRun // the newest first
	Reports map[int]api.LearningReport
	// Suggested are the suggestions, the surest first.
	Suggested []api.Suggestion
	// Accepted and Refused note what became of them; Applied which runs were
	// applied.
	Accepted, Refused []api.PhotoTag
	Applied           []int
	// Shelf is where applying and rolling back begins a swap.
	Shelf *Encoders

	mutex sync.Mutex
	now   api.Learning
	next  []api.Learning
}

// SetLearning sets how far learning is, and what each later question about it
// finds, the last of them for good.
func (l *Learning) SetLearning(now api.Learning, next ...api.Learning) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.now, l.next = now, next
}

// Learning implements server.Learning.
func (l *Learning) Learning(context.Context) (api.Learning, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now := l.now
	if len(l.next) > 0 {
		l.now, l.next = l.next[0], l.next[1:]
	}
	now.Suggests = len(l.Suggested) > 0
	return now, nil
}

// LearningRuns implements server.Learning.
func (l *Learning) LearningRuns(context.Context) ([]api.LearningRun, error) { return l.Runs, nil }

// LearningReport implements server.Learning.
func (l *Learning) LearningReport(_ context.Context, number int) (api.LearningReport, error) {
	report, ok := l.Reports[number]
	if !ok {
		return api.LearningReport{}, api.NewError(http.StatusNotFound, fmt.Sprintf("there is no learning run %d: `vsectl learn list` shows them", number))
	}
	return report, nil
}

// StartLearning implements server.Learning: the run is the one that Learning shows.
func (l *Learning) StartLearning(context.Context) (api.LearningRun, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.now.Run != nil {
		return api.LearningRun{}, api.NewError(http.StatusConflict, fmt.Sprintf("run %d is under way", l.now.Run.Number))
	}
	if len(l.next) == 0 || l.next[0].Run == nil {
		return api.LearningRun{}, api.NewError(http.StatusConflict, "no photo has a tag")
	}
	l.now, l.next = l.next[0], l.next[1:]
	return *l.now.Run, nil
}

// StopLearning implements server.Learning.
func (l *Learning) StopLearning(context.Context) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.now.Run == nil {
		return api.NewError(http.StatusConflict, "no learning run is under way")
	}
	stopped := *l.now.Run
	stopped.State = api.LearningStopped
	l.now.Run, l.now.Progress, l.now.Last = nil, nil, &stopped
	return nil
}

// ApplyLearning implements server.Learning.
func (l *Learning) ApplyLearning(ctx context.Context, number int) error {
	if _, err := l.LearningReport(ctx, number); err != nil {
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.Applied = append(l.Applied, number)
	return nil
}

// RollBackLearning implements server.Learning.
func (l *Learning) RollBackLearning(ctx context.Context) error { return l.Shelf.RollBack(ctx) }

// Suggestions implements server.Learning; its cursors are places.
func (l *Learning) Suggestions(_ context.Context, asked api.SuggestionsRequest) (page api.SuggestionList, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var all []api.Suggestion
	for _, one := range l.Suggested {
		if one.Confidence >= asked.Least && (asked.Tag == "" || one.Tag == asked.Tag) && (asked.Photo == 0 || one.Photo == asked.Photo) {
			all = append(all, one)
		}
	}
	from, _ := strconv.Atoi(asked.Cursor)
	all = all[min(from, len(all)):]
	if len(all) > asked.Limit {
		all, page.Next = all[:asked.Limit], strconv.Itoa(from+asked.Limit)
	}
	page.Suggestions = all
	return page, nil
}

// AcceptSuggestions implements server.Learning.
func (l *Learning) AcceptSuggestions(_ context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error) {
	return l.take(named, &l.Accepted), nil
}

// RefuseSuggestions implements server.Learning.
func (l *Learning) RefuseSuggestions(_ context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error) {
	return l.take(named, &l.Refused), nil
}

// Refusals implements server.Learning; its cursors are places.
func (l *Learning) Refusals(_ context.Context, asked api.RefusalsRequest) (page api.RefusalList, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, one := range l.Refused {
		if (asked.Tag == "" || one.Tag == asked.Tag) && (asked.Photo == 0 || one.Photo == asked.Photo) {
			page.Refusals = append(page.Refusals, api.Refusal{Photo: one.Photo, Path: api.NewPath(fmt.Sprintf("/photos/%d.jpg", one.Photo)), Tag: one.Tag})
		}
	}
	from, _ := strconv.Atoi(asked.Cursor)
	page.Refusals = page.Refusals[min(from, len(page.Refusals)):]
	if len(page.Refusals) > asked.Limit {
		page.Refusals, page.Next = page.Refusals[:asked.Limit], strconv.Itoa(from+asked.Limit)
	}
	return page, nil
}

// UnrefuseSuggestions implements server.Learning; they are not suggested anew.
func (l *Learning) UnrefuseSuggestions(_ context.Context, named []api.PhotoTag) (answer api.SuggestionsTaken, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, one := range named {
		if at := slices.Index(l.Refused, one); at >= 0 {
			l.Refused = slices.Delete(slices.Clone(l.Refused), at, at+1)
			answer.Taken++
		} else {
			answer.Missed = append(answer.Missed, one)
		}
	}
	return answer, nil
}

func (l *Learning) take(named []api.PhotoTag, into *[]api.PhotoTag) (answer api.SuggestionsTaken) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, one := range named {
		at := slices.IndexFunc(l.Suggested, func(s api.Suggestion) bool { return s.Photo == one.Photo && s.Tag == one.Tag })
		if at >= 0 {
			l.Suggested = slices.Delete(slices.Clone(l.Suggested), at, at+1)
			*into = append(*into, one)
			answer.Taken++
		} else {
			answer.Missed = append(answer.Missed, one)
		}
	}
	return answer
}
