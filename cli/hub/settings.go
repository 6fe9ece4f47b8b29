package hub

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"
)

// Settings are the user's, of the file vsectl.toml.
type Settings struct {
	Mirror string `toml:"mirror"` // a hub's address
	Token  string `toml:"token"`
}

// LoadSettings reads the table [hub] of a file, which may be absent. A token is
// only taken from a file that nobody else can read.
func LoadSettings(path string) (Settings, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings: %w", err)
	}
	var file struct {
		Hub Settings `toml:"hub"`
	}
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return Settings{}, settingsError(path, err)
	}
	if file.Hub.Token == "" {
		return file.Hub, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Settings{}, fmt.Errorf("%s holds a token and others can read it: `chmod 600 %s`", path, path)
	}
	return file.Hub, nil
}

// settingsError names the line, and never shows it: a token may stand there.
func settingsError(path string, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("%s:%d: there is no such key: hub.mirror and hub.token are", path, row)
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		row, _ := wrong.Position()
		return fmt.Errorf("%s:%d: this is not understood: [hub], and below it mirror = \"https://…\" and token = \"…\"", path, row)
	}
	return fmt.Errorf("%s: this is no TOML", path)
}

// SettingsFile and CacheFolder are where the user's settings and downloads are.
func SettingsFile() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the settings: %w", err)
	}
	return filepath.Join(folder, "vsed", "vsectl.toml"), nil
}

// CacheFolder is where a model's downloads are kept, whatever its commit.
func (r Reference) CacheFolder() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the download: %w", err)
	}
	return filepath.Join(folder, "vsed", "hub", r.Owner+"--"+r.Name), nil
}

// Validate refuses an address that is none, and a token over an open wire.
func (h *Hub) Validate() error {
	address, err := url.Parse(h.Address)
	if err != nil || address.Host == "" || address.User != nil || address.RawQuery != "" || (address.Scheme != "https" && address.Scheme != "http") {
		return fmt.Errorf("%q is no hub's address: write it as %s", h.Address, DefaultAddress)
	}
	if h.Token != "" && address.Scheme == "http" && !loopback(address.Hostname()) {
		return fmt.Errorf("the token would go to %s unencrypted: write the mirror with https, or take the token away", address.Host)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
