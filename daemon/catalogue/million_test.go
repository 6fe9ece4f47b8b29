package catalogue

import (
	"strings"
	"testing"
)

// column reads the text of a query's column.
func column(t *testing.T, c *Catalogue, number int, query string, arguments ...any) (texts []string) {
	t.Helper()
	rows, err := c.read.QueryContext(t.Context(), query, arguments...)
	check(t, err)
	defer rows.Close()
	columns := must[[]string](t)(rows.Columns())
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		values[number] = new(string)
		check(t, rows.Scan(values...))
		texts = append(texts, *values[number].(*string))
	}
	check(t, rows.Err())
	return texts
}

// These statements are run for each path or at each change: one that reads all
// names of a folder, or all that waits, takes half a second of a million files.
func TestSingleFilesAreFoundByAnIndex(t *testing.T) {
	c := open(t, t.TempDir())
	f := func(query string, arguments int, want ...string) {
		t.Helper()
		plan := strings.Join(column(t, c, 3, `EXPLAIN QUERY PLAN `+query, make([]any, arguments)...), "\n")
		for _, part := range want {
			if !strings.Contains(plan, part) {
				t.Errorf("%s\nhas no %q in its plan:\n%s", query, part, plan)
			}
		}
		if strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nreads all of something:\n%s", query, plan)
		}
	}
	f(knownFileQuery+presentHere, 4, "(folder=? AND path=?)", "(folder=? AND path>? AND path<?)")
	f(`SELECT id FROM sidecar WHERE `+sidecarsHere, 4, "(folder=? AND path=?)", "(folder=? AND path>? AND path<?)")
	f(waitingQuery+undecoded, 3, "file_undecoded (folder=? AND id>?)")
	f(sidecarQuery+unreadSidecars, 3, "sidecar_unread (folder=? AND id>?)")
}

// What refers to a row is looked for when that is deleted.
func TestReferencesHaveAnIndex(t *testing.T) {
	c := open(t, t.TempDir())
	for _, table := range column(t, c, 0, `SELECT name FROM sqlite_schema WHERE type = 'table'`) {
		for _, from := range column(t, c, 0, `SELECT "from" FROM pragma_foreign_key_list(?)`, table) {
			found := column(t, c, 0, `SELECT name FROM pragma_table_info(?1) WHERE name = ?2 AND pk = 1
				UNION SELECT list.name FROM pragma_index_list(?1) AS list JOIN pragma_index_info(list.name) AS info
					LEFT JOIN sqlite_schema AS made ON made.name = list.name
				WHERE info.seqno = 0 AND info.name = ?2 AND (NOT list.partial OR made.sql LIKE '%WHERE ' || ?2 || ' IS NOT NULL')`, table, from)
			if len(found) == 0 {
				t.Error(table, from, "has none")
			}
		}
	}
}
