package host

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// beHost is the program of a host that starts two plugins, one busy, prints their
// process ids and waits to be killed.
func beHost() {
	folder := os.Getenv("VSED_TEST_FOLDER")
	encoder := NewEncoder(Command{Name: "encoder", Path: os.Getenv("VSED_TEST_FAKE"), Args: []string{"--hang"}, RuntimeDir: folder}, Policy{}, quiet())
	executable, _ := os.Executable()
	decoder := NewDecoder(Command{Name: "decoder", Path: executable, Env: decoderRole(), RuntimeDir: folder}, Policy{}, quiet())
	for _, supervisor := range []*supervisor{encoder.supervisor, decoder.supervisor} {
		process, err := supervisor.running(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(process.ID())
	}
	_, _ = encoder.EncodePictures(context.Background(), [][]byte{picture(1, 2, 3)})
}

func TestKilledHostLeavesNoPluginBehind(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(executable)
	host.Env = append(os.Environ(), roleVariable+"=host", "VSED_TEST_FAKE="+fake, "VSED_TEST_FOLDER="+t.TempDir())
	host.Stderr = os.Stderr
	output, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	var plugins [2]int
	for i := range plugins {
		if _, err := fmt.Fscanln(lines, &plugins[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	_ = host.Wait()
	for _, plugin := range plugins {
		eventually(t, 2*time.Second, "end of the plugin", func() bool { return !alive(plugin) })
	}
	t.Logf("plugins were gone %v after the host", time.Since(killed))
}
