package cli

import (
	"testing"

	"vsed/daemon/api"
)

func TestReadyCountsWhatIsFoundOfAFolderThatIsAway(t *testing.T) {
	f := func(want string, counts api.Counts) {
		t.Helper()
		if got := progress(api.Status{Ready: true, Photos: counts}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("ready, 58 photos encoded, all offline", api.Counts{Offline: 58, OfflineEncoded: 58})
	f("ready, 60 photos encoded, 58 of them offline", api.Counts{Encoded: 2, Offline: 59, OfflineEncoded: 58})
	f("ready, 1 photo encoded, all offline, 3 quarantined", api.Counts{Offline: 1, OfflineEncoded: 1, Quarantined: 3})
	f("ready, 2 photos encoded", api.Counts{Encoded: 2, Offline: 1})
}
