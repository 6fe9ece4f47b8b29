package main

import (
	"encoding/json"
	"os"

	"vsed/encoders/runtime"
)

// printExamination says as JSON what there is on this machine for running models.
// What it loads may do anything to the process, which ends after it.
func printExamination(library string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(runtime.Examine(runtime.Candidates(library, program)))
}
