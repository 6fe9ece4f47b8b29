package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// descriptorSocket returns the two ends of a socket that keeps messages apart.
func descriptorSocket() (hostEnd, pluginEnd *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("create the descriptor socket: %w", err)
	}
	return os.NewFile(uintptr(ends[0]), "descriptor socket"), os.NewFile(uintptr(ends[1]), "descriptor socket"), nil
}

// SendDescriptor sends a copy of file's descriptor under a ticket. It does not
// wait: a plugin that has not read earlier ones is not well.
func (p *Process) SendDescriptor(ticket uint64, file *os.File) error {
	if p.descriptors == nil {
		return errors.New("send a descriptor: the plugin is not a decoder")
	}
	socket, err := p.descriptors.SyscallConn()
	if err != nil {
		return fmt.Errorf("send a descriptor: %w", err)
	}
	return withDescriptor(file, func(descriptor int) error {
		var sendError error
		controlError := socket.Control(func(socket uintptr) {
			message := binary.BigEndian.AppendUint64(nil, ticket)
			sendError = unix.Sendmsg(int(socket), message, unix.UnixRights(descriptor), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		})
		return errors.Join(controlError, sendError)
	})
}

// withDescriptor keeps the file open while f uses its descriptor. The error is
// os.ErrClosed where the file is closed already.
func withDescriptor(file *os.File, f func(descriptor int) error) error {
	connection, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("use the photo's descriptor: %w", err)
	}
	var result error
	if err := connection.Control(func(descriptor uintptr) { result = f(int(descriptor)) }); err != nil {
		return fmt.Errorf("use the photo's descriptor: %w", os.ErrClosed)
	}
	return result
}
