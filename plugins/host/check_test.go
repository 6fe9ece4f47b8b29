package host

import (
	"strings"
	"testing"

	"vsed/plugins/contract"
)

// What a person may give as a tag may be learned: a proposal that holds it must start.
func TestALearnedTagIsWhatAPersonMayGive(t *testing.T) {
	for _, tag := range []string{"می\u200cخواهم", "👨\u200d👩\u200d👧", "京都\u3000寺", "New\u00a0York", "a  b", strings.Repeat("x", contract.KeywordLimit)} {
		if err := checkLearnedTags([]string{tag}); err != nil {
			t.Errorf("%q: %v", tag, err)
		}
	}
	f := func(tag, want string) {
		t.Helper()
		if err := checkLearnedTags([]string{tag}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", tag, err, want)
		}
	}
	f(" ", "is empty")
	f("a\nb", "no plain text")
	f("a\x1b[2J", "no plain text")
	f("\xff", "no plain text")
	f(strings.Repeat("x", contract.KeywordLimit+1), "256 bytes")
}
