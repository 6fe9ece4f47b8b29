package check

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/daemon/catalogue"
	"vsed/index/keyword"
	"vsed/index/vector"
)

// state makes a catalogue with one encoded photo and its words.
func state(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	c, err := catalogue.Open(t.Context(), folder)
	check(t, err)
	space, err := c.Space(t.Context(), "space")
	check(t, err)
	check(t, c.Serve(t.Context(), space))
	root, err := c.AddFolder(t.Context(), "/photos")
	check(t, err)
	check(t, c.Observe(t.Context(), root.ID, []catalogue.Observation{{Path: "a.jpg"}}))
	waiting, err := c.Undecoded(t.Context(), nil, 1)
	check(t, err)
	photo, _, err := c.Identify(t.Context(), waiting[0].ID, catalogue.Stat{}, catalogue.Content{})
	check(t, err)
	check(t, space.Store(t.Context(), map[int64]catalogue.Embedding{photo: {Vector: []float32{1, 0}}}))
	words, err := keyword.Open(filepath.Join(folder, "keyword"))
	check(t, err)
	newest, err := c.Change(t.Context())
	check(t, err)
	check(t, words.Apply([]keyword.Document{{ID: photo, Names: []string{"a.jpg"}}}, nil, newest))
	check(t, words.Close())
	vectors, err := vector.Open(filepath.Join(folder, "vectors/space"), 2, vector.Options{})
	check(t, err)
	check(t, vectors.Apply([]vector.Vector{{ID: photo, Values: []float32{1, 0}}}, nil, newest))
	check(t, vectors.Close())
	check(t, c.Close())
	return folder
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, folder string, repair bool) []catalogue.Finding {
	t.Helper()
	findings, err := Run(t.Context(), folder, repair)
	check(t, err)
	return findings
}

func TestASoundStateHasNoFindings(t *testing.T) {
	if findings := run(t, state(t), false); len(findings) != 0 {
		t.Errorf("found %+v", findings)
	}
}

func TestWrongDerivedPartsAreToldAndMended(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, folder string){
		"belong to no photo": func(t *testing.T, folder string) {
			execute(t, filepath.Join(folder, "spaces/space.db"), `INSERT INTO embedding SELECT 77, x'07', vector, '', '' FROM embedding`)
		},
		"holds 2 photos": func(t *testing.T, folder string) {
			words, err := keyword.Open(filepath.Join(folder, "keyword"))
			check(t, err)
			seen, err := words.Change()
			check(t, err)
			check(t, words.Apply([]keyword.Document{{ID: 99, Names: []string{"ghost.jpg"}}}, nil, seen))
			check(t, words.Close())
		},
		"vector index of the space \"space\" holds 2 photos": func(t *testing.T, folder string) {
			vectors, err := vector.Open(filepath.Join(folder, "vectors/space"), 2, vector.Options{})
			check(t, err)
			check(t, vectors.Apply([]vector.Vector{{ID: 99, Values: []float32{0, 1}}}, nil, vectors.Change()))
			check(t, vectors.Close())
		},
		"vector index of the space \"space\" is ahead": func(t *testing.T, folder string) {
			vectors, err := vector.Open(filepath.Join(folder, "vectors/space"), 2, vector.Options{})
			check(t, err)
			check(t, vectors.Apply(nil, nil, 1_000_000))
			check(t, vectors.Close())
		},
		"the keyword index is ahead of the catalogue": func(t *testing.T, folder string) {
			words, err := keyword.Open(filepath.Join(folder, "keyword"))
			check(t, err)
			check(t, words.Apply(nil, nil, 1_000_000))
			check(t, words.Close())
		},
	} {
		folder := state(t)
		spoil(t, folder)
		findings := run(t, folder, false)
		if len(findings) != 1 || !strings.Contains(findings[0].What, name) || findings[0].Mended {
			t.Errorf("%s: found %+v", name, findings)
		}
		if findings = run(t, folder, true); len(findings) != 1 || !findings[0].Mended {
			t.Errorf("%s: repair said %+v", name, findings)
		}
		if findings = run(t, folder, false); len(findings) != 0 {
			t.Errorf("%s: after the repair %+v", name, findings)
		}
	}
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	check(t, err)
	_, err = db.Exec(statement)
	check(t, err)
	check(t, db.Close())
}

func TestADamagedCatalogueIsToldNotMended(t *testing.T) {
	folder := state(t)
	path := filepath.Join(folder, "catalogue.db")
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	check(t, err)
	for i := 4096 * 3; i < len(content); i += 7 {
		content[i] ^= 0x55
	}
	check(t, os.WriteFile(path, content, 0o600))
	findings, err := Run(t.Context(), folder, true)
	if err == nil && (len(findings) == 0 || findings[0].Mended) {
		t.Errorf("found %+v", findings)
	}
	t.Logf("found %+v, %v", findings, err)
}
