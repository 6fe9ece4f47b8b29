package sdk

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vsed/plugins/contract"
)

// newInbox returns an inbox and the host's end of its socket.
func newInbox(t *testing.T) (*inbox, int) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]) })
	inbox, err := openInbox(ends[1])
	if err != nil {
		t.Fatal(err)
	}
	return inbox, ends[0]
}

func send(t *testing.T, socket int, message []byte, descriptors ...int) {
	t.Helper()
	var control []byte
	if len(descriptors) > 0 {
		control = unix.UnixRights(descriptors...)
	}
	if err := unix.Sendmsg(socket, message, control, nil, 0); err != nil {
		t.Fatal(err)
	}
}

func sendFile(t *testing.T, socket int, ticket uint64, content string) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "photo")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte(content), 0); err != nil {
		t.Fatal(err)
	}
	send(t, socket, ticketMessage(ticket), int(file.Fd()))
}

func ticketMessage(ticket uint64) []byte { return binary.BigEndian.AppendUint64(nil, ticket) }

func TestInboxMatchesTickets(t *testing.T) {
	inbox, socket := newInbox(t)
	sendFile(t, socket, 1, "one")
	sendFile(t, socket, 2, "two")
	sendFile(t, socket, 3, "three")
	photo, err := inbox.take(2)
	if err != nil {
		t.Fatal(err)
	}
	defer photo.Close()
	if content, err := io.ReadAll(photo); err != nil || string(content) != "two" {
		t.Errorf("ticket 2: %q %v", content, err)
	}
	if flags, err := unix.FcntlInt(photo.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %d %v: a child would inherit the photo", flags, err)
	}
	if len(inbox.waiting) != 1 || inbox.waiting[3] == nil {
		t.Errorf("waiting: %v, want ticket 3 alone", inbox.waiting)
	}
	for _, ticket := range []uint64{1, 2, 99} {
		if _, err := inbox.take(ticket); status.Code(err) != codes.NotFound {
			t.Errorf("ticket %d: %v", ticket, err)
		}
	}
}

func TestInboxRefusesOddMessages(t *testing.T) {
	f := func(want string, message []byte, descriptors ...int) {
		t.Helper()
		inbox, socket := newInbox(t)
		before := openDescriptors(t)
		send(t, socket, message, descriptors...)
		if _, err := inbox.take(1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if after := openDescriptors(t); after != before {
			t.Errorf("%d descriptors open before, %d after", before, after)
		}
	}
	f("8 bytes with 0 descriptors", ticketMessage(1))
	f("8 bytes with 2 descriptors", ticketMessage(1), 0, 0)
	f("3 bytes with 1 descriptors", []byte("odd"), 0)
	f("9 bytes with 1 descriptors", make([]byte, 100), 0)
	f("descriptors", ticketMessage(1), 0, 0, 0, 0, 0, 0, 0, 0)
}

func TestInboxIsBounded(t *testing.T) {
	inbox, socket := newInbox(t)
	var err error
	for ticket := range uint64(2 * waitingLimit) {
		sendFile(t, socket, ticket+100, "x")
		if _, err = inbox.take(1); status.Code(err) != codes.NotFound {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "wait for a call") {
		t.Errorf("too many descriptors: %v", err)
	}
	for _, file := range inbox.waiting {
		file.Close()
	}
}

func TestInboxOfADeadHost(t *testing.T) {
	inbox, socket := newInbox(t)
	if err := unix.Shutdown(socket, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	if _, err := inbox.take(1); err == nil || !strings.Contains(err.Error(), "closed the socket") {
		t.Errorf("closed socket: %v", err)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestStatusCodes(t *testing.T) {
	f := func(err error, want codes.Code) {
		t.Helper()
		if got := status.Code(statusOf(err)); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
	f(nil, codes.OK)
	f(Rejected("is damaged: %w", io.ErrUnexpectedEOF), codes.InvalidArgument)
	f(fmt.Errorf("photo: %w", TooLarge("9 gigapixels")), codes.ResourceExhausted)
	f(Setup("install it"), codes.FailedPrecondition)
	f(status.Error(codes.NotFound, "x"), codes.NotFound)
	f(fmt.Errorf("wait: %w", context.Canceled), codes.Canceled)
	f(context.DeadlineExceeded, codes.DeadlineExceeded)
	f(errors.ErrUnsupported, codes.Unimplemented)
	f(io.EOF, codes.Internal)
}

func TestGuardTurnsAPanicIntoAnError(t *testing.T) {
	var log bytes.Buffer
	prepared := false
	guard := guard(slog.New(slog.NewTextHandler(&log, nil)), func() { prepared = true })
	_, err := guard(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "call"}, func(context.Context, any) (any, error) { panic("odd") })
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "panic: odd") {
		t.Errorf("panic: %v", err)
	}
	if !prepared || !strings.Contains(log.String(), "sdk_test.go") {
		t.Errorf("prepared %v; no stack in the log: %s", prepared, log.String())
	}
}

func TestLogIsReadByHosts(t *testing.T) {
	var output bytes.Buffer
	log := newLog(&output, "warn")
	log.Info("not logged")
	log.With("model", "m").Warn("text", "error", io.EOF)
	var line map[string]any
	if err := json.Unmarshal(output.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["@message"] != "text" || line["@level"] != "warn" || line["model"] != "m" || line["error"] != "EOF" || line["@timestamp"] == nil {
		t.Errorf("line %s", output.Bytes())
	}
}

func TestWrongLengthsAreRefusedForTheEncoder(t *testing.T) {
	service := &encoderService{description: &contract.EncoderDescription{
		Picture: &contract.PictureFormat{Width: 2, Height: 2}, FeatureType: "f", FeatureBytes: 4, FeatureSpace: "f"}}
	_, err := service.EncodePictures(t.Context(), &contract.EncodePicturesRequest{Pictures: [][]byte{make([]byte, 12), make([]byte, 13)}})
	if status.Code(statusOf(err)) != codes.InvalidArgument || !strings.Contains(err.Error(), "picture 1 is 13 bytes long, this encoder takes 12") {
		t.Errorf("pictures: %v", err)
	}
	_, err = service.Project(t.Context(), &contract.ProjectRequest{Features: [][]byte{nil}})
	if status.Code(statusOf(err)) != codes.InvalidArgument {
		t.Errorf("features: %v", err)
	}
}

func TestLifePipeMustBeAPipe(t *testing.T) {
	file, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := watchLifePipe(int(file.Fd())); err == nil || !strings.Contains(err.Error(), "is not the life pipe") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := openInbox(int(file.Fd())); err == nil || !strings.Contains(err.Error(), "is not the descriptor socket") {
		t.Errorf("a folder: %v", err)
	}
}
