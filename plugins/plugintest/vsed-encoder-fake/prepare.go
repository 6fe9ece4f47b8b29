package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"vsed/plugins/contract"
)

const preparationSteps = 4

// prepare makes the engine, in a few steps.
func (o *options) prepare(_ *slog.Logger, report func(contract.Progress)) error {
	for step := range preparationSteps {
		report(contract.Progress{Step: "building the fake engine", Done: step, Total: preparationSteps})
		time.Sleep(o.slowPreparing)
		if step < preparationSteps/2 {
			continue
		}
		if o.failPreparing {
			return errors.New("the fake engine cannot be built for this device; use another provider")
		}
		if o.diePreparing {
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		}
	}
	report(contract.Progress{Step: "building the fake engine", Done: preparationSteps, Total: preparationSteps})
	if o.engine == "" {
		return nil
	}
	return errors.Join(os.MkdirAll(filepath.Dir(o.engine), 0o700), os.WriteFile(o.engine, nil, 0o600))
}

// preparation says what could be prepared, or "".
func (o *options) preparation() string {
	if o.engine == "" || o.prepared() {
		return ""
	}
	return "a fake engine"
}

// prepared reports whether there is an engine.
func (o *options) prepared() bool {
	_, err := os.Stat(o.engine)
	return err == nil
}
