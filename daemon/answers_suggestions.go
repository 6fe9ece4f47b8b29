package daemon

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vsed/daemon/api"
	"vsed/daemon/catalogue"
	"vsed/index/keyword"
)

// Suggestions lists learned tags that nobody has said anything of.
func (d *daemon) Suggestions(ctx context.Context, asked api.SuggestionsRequest) (page api.SuggestionList, err error) {
	space := d.catalogue.Serving()
	if space == nil {
		return page, nil
	}
	if asked.Tag != "" {
		tag, ok := tagMeant(asked.Tag, space.LearnedNames())
		if !ok {
			return page, nil
		}
		asked.Tag = tag
	}
	if asked.Photo != 0 {
		return d.suggestionsOf(ctx, space, asked)
	}
	filter := catalogue.SuggestionFilter{Tag: asked.Tag, Least: asked.Least, Limit: asked.Limit + 1}
	if filter.After, err = suggestionCursor(asked.Cursor); err != nil {
		return page, err
	}
	found, err := space.Suggestions(ctx, filter)
	if len(found) > asked.Limit {
		found = found[:asked.Limit]
		page.Next = afterSuggestion(found[asked.Limit-1])
	}
	for _, one := range found {
		if err != nil {
			break
		}
		answer := api.Suggestion{Photo: one.Photo, LearnedTag: learnedTag(one.LearnedTag)}
		answer.Path, err = d.pathOf(ctx, one.Photo)
		page.Suggestions = append(page.Suggestions, answer)
	}
	return page, err
}

// suggestionsOf lists those of one photo, which are few, on one page.
func (d *daemon) suggestionsOf(ctx context.Context, space *catalogue.Space, asked api.SuggestionsRequest) (page api.SuggestionList, err error) {
	found, err := d.find(ctx, asked.Photo)
	if err != nil {
		return page, err
	}
	tags, err := space.Learned(ctx, asked.Photo)
	for _, one := range tags {
		if one.Confidence >= asked.Least && (asked.Tag == "" || one.Name == asked.Tag) {
			page.Suggestions = append(page.Suggestions, api.Suggestion{Photo: asked.Photo, Path: photo(found).Path, LearnedTag: learnedTag(one)})
		}
	}
	return page, err
}

func learnedTag(one catalogue.LearnedTag) api.LearnedTag {
	return api.LearnedTag{Tag: one.Name, Confidence: one.Confidence}
}

// A cursor is the last entry of a page, its parts with a blank between and the tag, which
// may hold blanks, at the end: as long as the tag and little more.
func cursorOf(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, " ")))
}

// cursorParts gives the photo of a cursor and what stands behind it.
func cursorParts(cursor string) (photo int64, rest string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	number, rest, _ := strings.Cut(string(text), " ")
	if err == nil {
		photo, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil {
		return 0, "", damagedCursor()
	}
	return photo, rest, nil
}

func damagedCursor() error {
	return refuse(http.StatusUnprocessableEntity, "the cursor is damaged: list again without it")
}

func afterSuggestion(last catalogue.Suggestion) string {
	return cursorOf(strconv.FormatInt(last.Photo, 10), strconv.FormatFloat(last.Confidence, 'g', -1, 64), last.Name)
}

func suggestionCursor(cursor string) (*catalogue.Suggestion, error) {
	if cursor == "" {
		return nil, nil
	}
	photo, rest, err := cursorParts(cursor)
	if err != nil {
		return nil, err
	}
	number, name, _ := strings.Cut(rest, " ")
	confidence, err := strconv.ParseFloat(number, 64)
	if err != nil || !(confidence >= 0 && confidence <= 1) {
		return nil, damagedCursor()
	}
	return &catalogue.Suggestion{Photo: photo, LearnedTag: catalogue.LearnedTag{Name: name, Confidence: confidence}}, nil
}

// Refusals lists what was suggested and refused.
func (d *daemon) Refusals(ctx context.Context, asked api.RefusalsRequest) (page api.RefusalList, err error) {
	filter := catalogue.RefusalFilter{Tag: asked.Tag, Photo: asked.Photo, Limit: asked.Limit + 1}
	if asked.Cursor != "" {
		if filter.After.Photo, filter.After.Name, err = cursorParts(asked.Cursor); err != nil {
			return page, err
		}
	}
	found, err := d.catalogue.Refusals(ctx, filter)
	if len(found) > asked.Limit {
		found = found[:asked.Limit]
		last := found[asked.Limit-1]
		page.Next = cursorOf(strconv.FormatInt(last.Photo, 10), last.Name)
	}
	for _, one := range found {
		if err != nil {
			break
		}
		answer := api.Refusal{Photo: one.Photo, Tag: one.Name}
		answer.Path, err = d.pathOf(ctx, one.Photo)
		page.Refusals = append(page.Refusals, answer)
	}
	return page, err
}

// AcceptSuggestions makes learned tags the user's, also those that were refused.
func (d *daemon) AcceptSuggestions(ctx context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error) {
	return d.takeSuggestions(ctx, named, d.catalogue.AddTags, d.suggested, d.catalogue.Refused)
}

// RefuseSuggestions takes learned tags away.
func (d *daemon) RefuseSuggestions(ctx context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error) {
	return d.takeSuggestions(ctx, named, d.catalogue.RefuseTags, d.suggested)
}

// UnrefuseSuggestions takes refusals back.
func (d *daemon) UnrefuseSuggestions(ctx context.Context, named []api.PhotoTag) (api.SuggestionsTaken, error) {
	return d.takeSuggestions(ctx, named, d.catalogue.UnrefuseTags, d.catalogue.Refused)
}

// suggested gives the tags that are suggested for a photo.
func (d *daemon) suggested(ctx context.Context, photo int64) (names []string, err error) {
	space := d.catalogue.Serving()
	if space == nil {
		return nil, nil
	}
	tags, err := space.Learned(ctx, photo)
	for _, one := range tags {
		names = append(names, one.Name)
	}
	return names, err
}

// takeSuggestions passes over what none of the sources gives for the photo, such as what
// is suggested no longer.
func (d *daemon) takeSuggestions(ctx context.Context, named []api.PhotoTag, take func(context.Context, int64, []string) error, sources ...func(context.Context, int64) ([]string, error)) (answer api.SuggestionsTaken, err error) {
	named = slices.Clone(named)
	slices.SortFunc(named, func(a, b api.PhotoTag) int { return cmp.Or(cmp.Compare(a.Photo, b.Photo), cmp.Compare(a.Tag, b.Tag)) })
	for len(named) > 0 {
		photo := named[0].Photo
		end := slices.IndexFunc(named, func(one api.PhotoTag) bool { return one.Photo != photo })
		if end < 0 {
			end = len(named)
		}
		var all []string
		for _, source := range sources {
			some, err := source(ctx, photo)
			if err != nil {
				return answer, err
			}
			all = append(all, some...)
		}
		names, missed := suggestionsMeant(named[:end], all)
		answer.Missed = append(answer.Missed, missed...)
		named = named[end:]
		if len(names) == 0 {
			continue
		}
		if err := take(ctx, photo, names); err != nil {
			return answer, err
		}
		answer.Taken += int64(len(names))
	}
	return answer, nil
}

// suggestionsMeant gives those of a photo's tags that are named, and what was named and
// is none of them.
func suggestionsMeant(named []api.PhotoTag, all []string) (names []string, missed []api.PhotoTag) {
	for _, one := range slices.Compact(named) {
		name, ok := tagMeant(one.Tag, all)
		switch {
		case !ok:
			missed = append(missed, one)
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return names, missed
}

// tagMeant gives the learned tag that is meant by a name: that of the very spelling, or
// else one that a tag filter takes for the same.
func tagMeant(name string, learned []string) (string, bool) {
	at := slices.Index(learned, name)
	if at < 0 {
		normal := keyword.Normal(name)
		at = slices.IndexFunc(learned, func(one string) bool { return keyword.Normal(one) == normal })
	}
	if at < 0 {
		return "", false
	}
	return learned[at], true
}
