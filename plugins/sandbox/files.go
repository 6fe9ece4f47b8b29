package sandbox

import (
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// errNoLandlock is a kernel's, before 5.13 or with it switched off.
var errNoLandlock = errors.New("the kernel does not offer it")

// What may be done with files below what is named. None of it runs a program, and
// none makes a link or a device.
const (
	readFile   = landlocksyscall.AccessFSReadFile
	readFolder = readFile | landlocksyscall.AccessFSReadDir
	write      = readFolder | landlocksyscall.AccessFSWriteFile | landlocksyscall.AccessFSTruncate |
		landlocksyscall.AccessFSMakeReg | landlocksyscall.AccessFSMakeDir | landlocksyscall.AccessFSRemoveFile | landlocksyscall.AccessFSRemoveDir
)

// restrictFiles allows no path but those that are needed, and no port, by the strongest
// rules of the running kernel: 5.13 knows files, 6.7 TCP, too.
func restrictFiles(needs Needs) error {
	version, err := landlocksyscall.LandlockGetABIVersion()
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP), err == nil && version < 1:
		return errNoLandlock
	case err != nil:
		return err
	}
	rules, err := needs.rules()
	if err != nil {
		return err
	}
	return landlock.V11.BestEffort().Restrict(rules...)
}

func (n Needs) rules() (rules []landlock.Rule, err error) {
	for _, path := range n.Read {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("find what may be read: %w", err)
		case info.IsDir():
			rules = append(rules, landlock.PathAccess(readFolder, path))
		default:
			rules = append(rules, landlock.PathAccess(readFile, path))
		}
	}
	if n.Listen != "" {
		rules = append(rules, landlock.PathAccess(write|landlocksyscall.AccessFSMakeSock, n.Listen))
	}
	return append(rules, landlock.PathAccess(write, n.Write...)), nil
}
