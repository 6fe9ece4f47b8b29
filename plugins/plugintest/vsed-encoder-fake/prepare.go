package main

import (
	"errors"
	"log/slog"
	"syscall"

	"vsed/plugins/contract"
)

const preparationSteps = 4

// prepare makes nothing, in a few steps.
func (o *options) prepare(_ *slog.Logger, report func(contract.Progress)) error {
	for step := range preparationSteps {
		report(contract.Progress{Step: "building the fake engine", Done: step, Total: preparationSteps})
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
	return nil
}
