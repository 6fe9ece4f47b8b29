package encoder

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"vsed/plugins/contract"
	"vsed/plugins/host"
)

const (
	// passedSetting is the catalogue's setting that holds the fingerprints of what
	// passed the whole self-test, the last one first.
	passedSetting = "encoders that passed"
	mostPassed    = 16
)

// fingerprint tells an encoder that runs from one of another bundle, on other
// providers, or of another program or library; "" where nobody can tell.
func (m *Manager) fingerprint(ctx context.Context, started *host.EncoderHost) string {
	about, err := started.Describe(ctx)
	if err != nil {
		return "" // the test says so
	}
	sum := sha256.New()
	if err = writeDescription(sum, about); err == nil {
		err = writePrograms(sum, started.ProcessID())
	}
	if err != nil {
		m.Log.Debug("what an encoder consists of cannot be told: it is tested in full", "error", err)
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// writeDescription leaves out what each start measures anew.
func writeDescription(to io.Writer, about *contract.EncoderDescription) error {
	stable := proto.CloneOf(about)
	stable.PictureMemory, stable.TextMemory = 0, 0
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(stable)
	if err != nil {
		return err
	}
	_, err = to.Write(text)
	return err
}

// writePrograms writes which files a process runs code of: its own and its
// libraries', down to those of the GPU's driver. A file that was put there anew has
// another inode or time of change, whatever its package says of its age; so has any on
// another machine.
func writePrograms(to io.Writer, process int) error {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", process))
	if err != nil {
		return err
	}
	defer maps.Close()
	var files []string
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // addresses, rights, offset, device, inode, path
		if at := strings.IndexByte(lines.Text(), '/'); len(fields) > 5 && at > 0 && strings.Contains(fields[1], "x") {
			files = append(files, lines.Text()[at:])
		}
	}
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		var info unix.Stat_t
		if err := unix.Stat(file, &info); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		fmt.Fprintln(to, file, info.Ino, info.Size, info.Mtim.Nano(), info.Ctim.Nano())
	}
	return lines.Err()
}

// passed reports whether what has this fingerprint passed the whole self-test.
func (m *Manager) passed(ctx context.Context, fingerprint string) bool {
	return fingerprint != "" && slices.Contains(m.allPassed(ctx), fingerprint)
}

func (m *Manager) allPassed(ctx context.Context) (fingerprints []string) {
	text, err := m.Catalogue.Setting(ctx, passedSetting)
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &fingerprints)
	}
	if err != nil {
		m.Log.Warn("which encoders passed the self-test cannot be read: they are tested in full", "error", err)
		return nil
	}
	return fingerprints
}

// remember notes what passed; the trial that passed is the only one.
func (m *Manager) remember(ctx context.Context, fingerprint string) {
	all := slices.DeleteFunc(m.allPassed(ctx), func(one string) bool { return one == fingerprint })
	all = slices.Insert(all, 0, fingerprint)
	text, err := json.Marshal(all[:min(mostPassed, len(all))])
	if err == nil {
		err = m.Catalogue.SetSetting(ctx, passedSetting, string(text))
	}
	if err != nil {
		m.Log.Warn("that an encoder passed the self-test cannot be kept: the next start tests it in full", "error", err)
	}
}
