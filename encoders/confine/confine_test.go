package confine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestLinksOfABundle has links to a plain file, to a folder, to itself and to nowhere, in a
// bundle that is named by a link.
func TestLinksOfABundle(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	at := func(elements ...string) string { return filepath.Join(append([]string{root}, elements...)...) }
	err = errors.Join(err, os.MkdirAll(at("bundle", "sub"), 0o700), os.Mkdir(at("state"), 0o700), os.WriteFile(at("model"), nil, 0o600),
		os.Symlink("bundle", at("named")), os.Symlink("../../model", at("bundle", "sub", "model")), os.Symlink("../state", at("bundle", "weights")),
		os.Symlink("/", at("bundle", "all")), os.Symlink("self", at("bundle", "self")), os.Symlink("nowhere", at("bundle", "lost")))
	if err != nil {
		t.Fatal(err)
	}
	for _, bundle := range []string{"bundle", "named"} {
		if files, err := linkedFiles(at(bundle)); err != nil || !slices.Equal(files, []string{at("model")}) {
			t.Errorf("%s: %q, %v", bundle, files, err)
		}
	}
	if files, err := linkedFiles(at("none")); err != nil || files != nil {
		t.Errorf("%q, %v", files, err)
	}
}
