package cli

import (
	"testing"

	"vsed/daemon/api"
)

func TestATagOfSeveralSourcesIsNamedOnce(t *testing.T) {
	tags := []api.Tag{{Name: "café", Source: "sidecar"}, {Name: "holiday", Source: "file"}, {Name: "holiday", Source: "user"}}
	if got := tagNames(tags); got != "café, holiday" {
		t.Errorf("named %s", got)
	}
}
