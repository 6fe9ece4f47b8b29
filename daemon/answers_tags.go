package daemon

import (
	"context"
	"strings"

	"vsed/daemon/api"
)

// Tags lists the tags of a photo.
func (d *daemon) Tags(ctx context.Context, id int64) ([]api.Tag, error) {
	found, err := d.find(ctx, id)
	return tags(found), err
}

// AddTags puts the user's tags on a photo and lists all it has then.
func (d *daemon) AddTags(ctx context.Context, id int64, names []string) ([]api.Tag, error) {
	return d.changeTags(ctx, id, names, d.catalogue.AddTags)
}

// RemoveTags takes tags off a photo, whoever gave them, and lists what it has then.
func (d *daemon) RemoveTags(ctx context.Context, id int64, names []string) ([]api.Tag, error) {
	return d.changeTags(ctx, id, names, d.catalogue.RemoveTags)
}

func (d *daemon) changeTags(ctx context.Context, id int64, names []string, change func(context.Context, int64, []string) error) ([]api.Tag, error) {
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = strings.Join(strings.Fields(name), " ")
	}
	if err := known(change(ctx, id, clean), "there is no photo with the number %d: `vsectl search` shows the numbers", id); err != nil {
		return nil, err
	}
	return d.Tags(ctx, id)
}
