package catalogue

import (
	"testing"
	"time"
)

func TestQuarantineLetsGoInTime(t *testing.T) {
	c := open(t, t.TempDir())
	serve(t, c, "test-space")
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	for i, name := range []string{"never.jpg", "soon.jpg"} {
		check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: name, Stat: stat(i)}}))
	}
	for _, file := range must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 10)) {
		pause := time.Duration(0)
		if file.Path == "soon.jpg" {
			pause = time.Hour
		}
		check(t, c.Quarantine(t.Context(), file, "why", pause))
	}
	if set := must[[]QuarantinedFile](t)(c.Quarantined(t.Context(), 0, 10)); len(set) != 2 || set[0].Attempts != 1 || !set[0].NextAttempt.IsZero() || set[1].NextAttempt.IsZero() {
		t.Errorf("set aside: %+v", set)
	}
	for _, one := range []struct {
		after time.Duration
		want  int64
	}{{time.Minute, 0}, {2 * time.Hour, 1}, {1000 * time.Hour, 0}} {
		if got := must[int64](t)(c.RetryDue(t.Context(), time.Now().Add(one.after))); got != one.want {
			t.Errorf("after %v: let go %d, want %d", one.after, got, one.want)
		}
	}
	if got := must[int64](t)(c.RetryQuarantined(t.Context(), nil)); got != 1 {
		t.Errorf("on request: let go %d, want 1", got)
	}
}

func TestAFileThatChangedMeanwhileIsNotSetAside(t *testing.T) {
	c := open(t, t.TempDir())
	folder := must[Folder](t)(c.AddFolder(t.Context(), "/photos"))
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: stat(1)}}))
	half := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1))[0]
	whole := stat(1)
	whole.Size++
	check(t, c.Observe(t.Context(), folder.ID, []Observation{{Path: "a.jpg", Stat: whole}}))
	check(t, c.Quarantine(t.Context(), half, "is truncated", 0))
	if waiting := must[[]WaitingFile](t)(c.Undecoded(t.Context(), nil, 1)); len(waiting) != 1 {
		t.Error("the whole file was set aside for what the half one was")
	}
}
