package plugintest_test

import (
	"os/exec"
	"testing"

	"vsed/plugins/host"
	"vsed/plugins/plugintest"
)

func TestVipsPasses(t *testing.T) {
	if err := exec.Command("pkg-config", "--exists", "vips").Run(); err != nil {
		t.Skip("libvips is not installed for development")
	}
	path, err := build("vsed-decoder-vips", "vsed/plugins/vsed-decoder-vips")
	if err != nil {
		t.Fatal(err)
	}
	plugintest.Decoder(t, host.Command{Name: "vips", Path: path}, "../decoder/samples")
}
