package encoder

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAbout(t *testing.T) {
	f := func(origin string, want ...string) {
		t.Helper()
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, originName), []byte(origin), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := about("tiny", folder); !slices.Equal(got, want) {
			t.Errorf("%s: got %q", origin, got)
		}
	}
	f(`{"name":"Tiny","version":"12ab","licence":"mit","source":"--adopt /x","language":"deu_Latn"}`, "--name=Tiny", "--revision=12ab", "--licence=mit", "--source=--adopt /x", "--language=deu_Latn")
	nothing := []string{"--name=tiny", "--revision=", "--licence=", "--source=", "--language="}
	f(`{"name":"`, nothing...)
	f(`{"name":5,"language":"deu_Latn"}`, nothing...)
	f(`{"language":"deu_Latn\u0000"}`, nothing...)
	f(`{"language":"`+strings.Repeat("x", originBytes)+`"}`, nothing...)
}
