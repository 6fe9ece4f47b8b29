package sdk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vsed/plugins/contract"
)

// waitingLimit bounds the descriptors held for calls that have not come. The
// host sends one, then calls; more than a few mean that it does not.
const waitingLimit = 16

// inbox receives descriptors from the host. It owns each until it is taken.
// Not safe for concurrent use.
type inbox struct {
	socket  int
	waiting map[uint64]*os.File
}

// openInbox takes over a descriptor that the process was started with.
func openInbox(socket int) (*inbox, error) {
	kind, err := unix.GetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_SEQPACKET {
		return nil, fmt.Errorf("descriptor %d is not the descriptor socket (%v); decoders are started by vsed", socket, err)
	}
	unix.CloseOnExec(socket)
	return &inbox{socket: socket, waiting: map[uint64]*os.File{}}, nil
}

// take returns the descriptor sent under ticket; the caller closes it. The host
// sends it before it calls, so there is nothing to wait for. Descriptors of
// earlier tickets belong to calls that failed on their way, and are closed.
func (i *inbox) take(ticket uint64) (*os.File, error) {
	if err := i.receiveAll(); err != nil {
		return nil, err
	}
	photo := i.waiting[ticket]
	delete(i.waiting, ticket)
	for other, file := range i.waiting {
		if other < ticket {
			file.Close()
			delete(i.waiting, other)
		}
	}
	if photo == nil {
		return nil, status.Errorf(codes.NotFound, "no descriptor came under ticket %d", ticket)
	}
	return photo, nil
}

func (i *inbox) receiveAll() error {
	for {
		ticket, photo, err := receive(i.socket)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(i.waiting) >= waitingLimit {
			photo.Close()
			return fmt.Errorf("more than %d descriptors wait for a call", waitingLimit)
		}
		if earlier := i.waiting[ticket]; earlier != nil {
			earlier.Close()
		}
		i.waiting[ticket] = photo
	}
}

// receive reads one message without waiting.
func receive(socket int) (uint64, *os.File, error) {
	message := make([]byte, contract.TicketBytes+1)
	control := make([]byte, unix.CmsgSpace(4*4))
	length, controlLength, flags, _, err := unix.Recvmsg(socket, message, control, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, nil, fmt.Errorf("receive a descriptor: %w", err)
	}
	files := descriptorsIn(control[:controlLength])
	if length != contract.TicketBytes || len(files) != 1 || flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0 {
		closeAll(files)
		if length == 0 && len(files) == 0 {
			return 0, nil, fmt.Errorf("receive a descriptor: the host has closed the socket")
		}
		return 0, nil, fmt.Errorf("receive a descriptor: a message of %d bytes with %d descriptors", length, len(files))
	}
	return binary.BigEndian.Uint64(message), files[0], nil
}

func descriptorsIn(control []byte) []*os.File {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	var files []*os.File
	for _, message := range messages {
		descriptors, err := unix.ParseUnixRights(&message)
		if err != nil {
			continue
		}
		for _, descriptor := range descriptors {
			files = append(files, os.NewFile(uintptr(descriptor), "photo"))
		}
	}
	return files
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}
