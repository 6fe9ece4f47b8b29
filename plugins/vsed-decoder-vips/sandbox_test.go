package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// outerVariable makes the test binary load a filter of the calls that it names and
// become the program given as arguments, as systemd does.
const outerVariable = "VSED_TEST_OUTER_FILTER"

func becomeFiltered(calls string) error {
	machine, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	var known []string
	for _, call := range strings.Fields(calls) {
		if _, ok := machine.SyscallNames[call]; ok {
			known = append(known, call)
		}
	}
	err = seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls:      []seccomp.SyscallGroup{{Action: seccomp.ActionAllow, Names: known}},
	}})
	if err != nil {
		return err
	}
	return unix.Exec(os.Args[1], os.Args[1:], slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, outerVariable) }))
}

type probeReport struct {
	Formats, Loaders, Possible []string
	Sandbox                    string
	Decodes                    bool
}

// probed runs the real program, which enters its sandbox, tries to get out, and
// decodes a sample of each format.
func probed(t *testing.T, outer string, arguments ...string) (report probeReport, problems string, err error) {
	t.Helper()
	command := exec.Command(built(t), append([]string{"--probe-sandbox"}, arguments...)...)
	if outer != "" {
		executable, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		command = exec.Command(executable, command.Args...)
		command.Env = append(os.Environ(), outerVariable+"="+outer)
	}
	var output, errorOutput bytes.Buffer
	command.Stdout, command.Stderr = &output, &errorOutput
	err = command.Run()
	if output.Len() > 0 {
		if err := json.Unmarshal(output.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
	}
	return report, errorOutput.String(), err
}

func TestSandbox(t *testing.T) {
	report, problems, err := probed(t, "", "--require-sandbox")
	if err != nil {
		if strings.Contains(problems, "required and weak") {
			t.Skipf("this machine lacks a part of the sandbox: %s", problems)
		}
		t.Fatalf("%v: %s", err, problems)
	}
	checkReport(t, report)
	for _, loader := range report.Loaders {
		if containsAny(loader, "svg", "pdf", "magick", "mat", "vips", "csv", "openslide", "fits", "jp2k") {
			t.Errorf("%s is open to strangers' bytes", loader)
		}
	}
}

func checkReport(t *testing.T, report probeReport) {
	t.Helper()
	if len(report.Possible) > 0 || !report.Decodes {
		t.Errorf("possible: %v, decodes: %v", report.Possible, report.Decodes)
	}
	for _, format := range []string{"jpeg", "png", "webp", "gif", "tiff", "bmp", "dng", "cr2", "nef", "arw"} {
		if !slices.Contains(report.Formats, format) {
			t.Errorf("%s is not decoded: %v", format, report.Formats)
		}
	}
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// TestSandboxUnderTheUnit runs the program under the filter of the packaged unit.
func TestSandboxUnderTheUnit(t *testing.T) {
	calls, err := unitCalls()
	if err != nil {
		t.Skipf("the unit's filter is not known: %v", err)
	}
	report, problems, err := probed(t, strings.Join(calls, " "), "--require-sandbox")
	if err != nil {
		if strings.Contains(problems, "seccomp filter") && !strings.Contains(problems, "EPERM") {
			t.Skipf("this kernel has no seccomp filters: %s", problems)
		}
		t.Fatalf("under %d calls: %v: %s", len(calls), err, problems)
	}
	checkReport(t, report)
	t.Logf("under the unit's %d calls: %q", len(calls), report.Sandbox)

	// A unit that forgets what the decoder confines itself with is found out.
	without := slices.DeleteFunc(slices.Clone(calls), func(call string) bool { return call == "seccomp" || strings.HasPrefix(call, "landlock") })
	report, problems, err = probed(t, strings.Join(without, " "))
	if !strings.Contains(report.Sandbox, "seccomp filter is not on") || err == nil {
		t.Errorf("without the calls: %+v, %v, %s", report, err, problems)
	}
	if _, problems, err = probed(t, strings.Join(without, " "), "--require-sandbox"); err == nil || !strings.Contains(problems, "required and weak") {
		t.Errorf("without the calls and required: %v, %s", err, problems)
	}
}

// unitCalls are the calls that the unit's SystemCallFilter allows, groups resolved.
func unitCalls() ([]string, error) {
	unit, err := os.ReadFile("../../daemon/vsed/vsed.service")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(unit)) {
		if list, found := strings.CutPrefix(line, "SystemCallFilter="); found {
			return resolved(strings.Fields(list), map[string]bool{})
		}
	}
	return nil, errors.New("it names none")
}

func resolved(names []string, seen map[string]bool) ([]string, error) {
	var calls []string
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		if !strings.HasPrefix(name, "@") {
			calls = append(calls, name)
			continue
		}
		output, err := exec.Command("systemd-analyze", "syscall-filter", name).Output()
		if err != nil {
			return nil, fmt.Errorf("systemd-analyze: %w", err)
		}
		var members []string
		for line := range strings.Lines(string(output)) {
			if member := strings.TrimSpace(line); member != "" && member != name && !strings.HasPrefix(member, "#") {
				members = append(members, member)
			}
		}
		inner, err := resolved(members, seen)
		if err != nil {
			return nil, err
		}
		calls = append(calls, inner...)
	}
	return calls, nil
}
