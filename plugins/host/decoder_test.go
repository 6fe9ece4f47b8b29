package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"

	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// testDecoder is a decoder plugin whose answers depend on the photo's name.
type testDecoder struct {
	busy   atomic.Int32
	retire string // reason to be replaced after this call
}

func newTestDecoder(*slog.Logger) (sdk.DecoderServer, error) { return &testDecoder{}, nil }

func (d *testDecoder) Confine() error { return nil }

func (d *testDecoder) Retire() string { return d.retire }

// ReadSidecar answers with what the file holds, as text of a protobuf message.
func (d *testDecoder) ReadSidecar(_ context.Context, sidecar *os.File, _ *contract.ReadSidecarRequest) (*contract.Metadata, error) {
	content, err := io.ReadAll(sidecar)
	if err != nil {
		return nil, err
	}
	metadata := &contract.Metadata{}
	return metadata, prototext.Unmarshal(content, metadata)
}

func (d *testDecoder) Describe(context.Context) (*contract.DecoderDescription, error) {
	return &contract.DecoderDescription{Name: "test", Version: "1", Formats: []string{"text"}}, nil
}

func (d *testDecoder) Decode(_ context.Context, photo *os.File, request *contract.DecodeRequest) (*contract.DecodeResponse, error) {
	if d.busy.Add(1) != 1 {
		return nil, errors.New("two photos at a time")
	}
	defer d.busy.Add(-1)
	content, err := io.ReadAll(photo)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(content)
	open, _ := os.ReadDir("/proc/self/fd")
	reply := &contract.DecodeResponse{
		Digest:    digest[:],
		Metadata:  &contract.Metadata{Format: "text", Width: 1, Height: 1, Orientation: 1, Camera: fmt.Sprint(len(open))},
		Thumbnail: []byte("RIFF\x00\x00\x00\x00WEBP"),
	}
	for _, format := range request.Pictures {
		reply.Pictures = append(reply.Pictures, make([]byte, format.Width*format.Height*3))
	}
	if strings.HasPrefix(string(request.Name), "last") {
		d.retire = "it is full"
	}
	return reply, spoilReply(reply, string(request.Name))
}

func spoilReply(reply *contract.DecodeResponse, name string) error {
	switch name {
	case "damaged", "last and damaged":
		return sdk.Rejected("the photo ends early\n\x1b[2J")
	case "large":
		return sdk.TooLarge("900 megapixels")
	case "crash":
		os.Exit(3)
	case "hang":
		select {}
	case "digest":
		reply.Digest = reply.Digest[1:]
	case "pictures":
		reply.Pictures = nil
	case "picture":
		reply.Pictures[0] = reply.Pictures[0][1:]
	case "thumbnail":
		reply.Thumbnail = []byte("GIF89a")
	case "large thumbnail":
		reply.Thumbnail = make([]byte, thumbnailLimit+1)
	case "metadata":
		reply.Metadata = nil
	case "format":
		reply.Metadata.Format = "../x"
	case "width":
		reply.Metadata.Width = 0
	case "orientation":
		reply.Metadata.Orientation = 9
	case "taken":
		reply.Metadata.Taken = "yesterday"
		reply.Metadata.TakenSource = contract.TakenSource_TAKEN_SOURCE_EXIF_ORIGINAL
	case "camera":
		reply.Metadata.Camera = strings.Repeat("x", textLimit+1)
	}
	return nil
}

// decoderRole also keeps the race detector from a second's sleep at each exit.
func decoderRole() []string { return []string{roleVariable + "=decoder", "GORACE=atexit_sleep_ms=0"} }

func testDecoderCommand(t testing.TB) Command {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{Name: "decoder", Kind: Decoder, Path: executable, Env: decoderRole(), RuntimeDir: runtimeFolder(t)}
}

func newDecoder(t testing.TB, policy Policy) *DecoderHost {
	decoder := NewDecoder(testDecoderCommand(t), policy, quiet())
	t.Cleanup(func() { decoder.Close() })
	return decoder
}

func photoFile(t testing.TB, content string) *os.File {
	path := filepath.Join(t.TempDir(), "photo")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	photo, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { photo.Close() })
	return photo
}

func requestFor(name string) DecodeRequest {
	return DecodeRequest{
		Name:          name,
		Pictures:      []*contract.PictureFormat{{Width: 2, Height: 2, Fit: contract.Fit_FIT_CROP, Kernel: contract.Kernel_KERNEL_CUBIC}},
		ThumbnailSide: 320,
	}
}

func TestDecode(t *testing.T) {
	decoder := newDecoder(t, Policy{})
	photo := photoFile(t, "content")
	for range 2 { // the second time the shared offset stands at the end
		decoded, err := decoder.Decode(t.Context(), photo, requestFor("name\xff"))
		if err != nil {
			t.Fatal(err)
		}
		if decoded.Digest != sha256.Sum256([]byte("content")) || len(decoded.Pictures) != 1 || len(decoded.Pictures[0]) != 12 {
			t.Errorf("decoded %+v", decoded)
		}
	}
}

func TestDecodeOneAtATime(t *testing.T) {
	decoder := newDecoder(t, Policy{})
	var group sync.WaitGroup
	for i := range 20 {
		photo := photoFile(t, fmt.Sprint(i))
		group.Go(func() {
			decoded, err := decoder.Decode(t.Context(), photo, requestFor("photo"))
			if err != nil || decoded.Digest != sha256.Sum256([]byte(fmt.Sprint(i))) {
				t.Errorf("photo %d: %v", i, err)
			}
		})
	}
	group.Wait()
}

func TestDecodeRejects(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		_, err := newDecoder(t, Policy{}).Decode(t.Context(), photoFile(t, "x"), requestFor(name))
		var rejected *RejectedError
		if !errors.As(err, &rejected) || rejected.Reason != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	f("damaged", "the photo ends early [2J")
	f("large", "900 megapixels")
}

func TestDecodeWrongReplies(t *testing.T) {
	decoder := newDecoder(t, Policy{})
	f := func(name, want string) {
		t.Helper()
		_, err := decoder.Decode(t.Context(), photoFile(t, "x"), requestFor(name))
		var wrong *ReplyError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	f("digest", "digest of 31 bytes")
	f("pictures", "0 pictures, not 1")
	f("picture", "picture 0 of 11 bytes, not 12")
	f("thumbnail", "not WebP")
	f("large thumbnail", "more than")
	f("metadata", "no metadata")
	f("format", `"../x" is not the name of a format`)
	f("width", "0×1 pixels")
	f("orientation", "orientation of 9")
	f("taken", `"yesterday" is not the time`)
	f("camera", "257 bytes long")
}

func TestReadSidecar(t *testing.T) {
	decoder := newDecoder(t, Policy{})
	f := func(content, want string) {
		t.Helper()
		_, err := decoder.ReadSidecar(t.Context(), photoFile(t, content), "photo.xmp")
		var wrong *ReplyError
		if want == "" && err != nil || want != "" && (!errors.As(err, &wrong) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
	f(`format:"xmp"`, "")
	f(`format:"xmp" taken:"2001-02-03T04:05:06" taken_offset:"-03:30" taken_source:TAKEN_SOURCE_XMP located:true latitude:-90 longitude:180`, "")
	f(`format:"xmp" title:"t" description:"one\ntwo" rating:-1 keywords:["a/b", "👩‍🚀", "c"]`, "")
	f(``, "not the name of a format")
	f(`format:"xmp" width:1`, "size or orientation")
	f(`format:"xmp" orientation:1`, "size or orientation")
	f(`format:"xmp" taken:"2001-02-03T04:05:06"`, "with the source TAKEN_SOURCE_UNKNOWN")
	f(`format:"xmp" taken_source:TAKEN_SOURCE_GPS`, "with the source TAKEN_SOURCE_GPS")
	f(`format:"xmp" taken:"2001-02-03T04:05:06" taken_source:99`, "which is unknown")
	f(`format:"xmp" taken_offset:"+02:00"`, "is not the time")
	f(`format:"xmp" taken:"2001-02-03T04:05:06" taken_offset:"2h" taken_source:TAKEN_SOURCE_XMP`, "not an offset")
	f(`format:"xmp" latitude:1`, "that has none")
	f(`format:"xmp" located:true latitude:nan`, "not on Earth")
	f(`format:"xmp" located:true longitude:180.5`, "not on Earth")
	f(`format:"xmp" rating:6`, "rating of 6")
	f(`format:"xmp" title:"a\nb"`, "not plain text")
	f(`format:"xmp" description:"a\u202eb"`, "not plain text")
	f(`format:"xmp" lens:"`+strings.Repeat("x", 257)+`"`, "257 bytes long")
	f(`format:"xmp" keywords:""`, "empty or")
	f(`format:"xmp" keywords:["a", "a"]`, "second time")
	f(`format:"xmp" keywords:"`+strings.Repeat("x", 256)+`"`, "more than 255")
	f(`format:"xmp" keywords:["0`+strings.Repeat(`", "1`, 256)+`"]`, "257 keywords")
}

func TestDecoderIsReplacedWhenItAsks(t *testing.T) {
	decoder := newDecoder(t, Policy{BackoffFirst: time.Hour})
	for _, name := range []string{"last", "last and damaged"} {
		before := processOf(t, decoder.supervisor)
		_, err := decoder.Decode(t.Context(), photoFile(t, "x"), requestFor(name))
		var rejected *RejectedError
		if damaged := name != "last"; damaged != errors.As(err, &rejected) || !damaged && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		after := processOf(t, decoder.supervisor) // would fail for an hour after a crash
		if after == before || decoder.Problem() != "" {
			t.Errorf("%s: the plugin was not replaced, or with a problem: %q", name, decoder.Problem())
		}
		if _, err := decoder.Decode(t.Context(), photoFile(t, "x"), requestFor("good")); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

func TestDecodeCrashAndHang(t *testing.T) {
	decoder := newDecoder(t, Policy{CallTimeout: 500 * time.Millisecond})
	f := func(name string, target any) {
		t.Helper()
		if _, err := decoder.Decode(t.Context(), photoFile(t, "x"), requestFor(name)); !errors.As(err, target) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := decoder.Decode(t.Context(), photoFile(t, "x"), requestFor("good")); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	var crash *CrashError
	var timeout *TimeoutError
	f("crash", &crash)
	f("hang", &timeout)
}

func TestDecodeOfAClosedFileIsTheCallersMistake(t *testing.T) {
	decoder := newDecoder(t, Policy{})
	process := processOf(t, decoder.supervisor)
	photo := photoFile(t, "x")
	photo.Close()
	if _, err := decoder.Decode(t.Context(), photo, requestFor("good")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed photo: %v", err)
	}
	if processOf(t, decoder.supervisor) != process {
		t.Error("the plugin was replaced")
	}
}

func TestDescriptorsOfFailedCallsAreClosed(t *testing.T) {
	decoder := newDecoder(t, Policy{})
	open := func() int {
		decoded, err := decoder.Decode(t.Context(), photoFile(t, "x"), requestFor("good"))
		if err != nil {
			t.Fatal(err)
		}
		count, err := strconv.Atoi(decoded.Metadata.Camera)
		if err != nil {
			t.Fatal(err)
		}
		return count
	}
	open()
	before := open()
	process := processOf(t, decoder.supervisor)
	for range 5 {
		decoder.ticket++
		if err := process.SendDescriptor(decoder.ticket, photoFile(t, "never asked for")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"damaged", "digest"} {
			if _, err := decoder.Decode(t.Context(), photoFile(t, "x"), requestFor(name)); err == nil {
				t.Fatal("no error")
			}
		}
	}
	if after := open(); after > before {
		t.Errorf("%d descriptors open before, %d after", before, after)
	}
}

func TestUnknownTicket(t *testing.T) {
	decoder := newDecoder(t, Policy{})
	process := processOf(t, decoder.supervisor)
	_, err := contract.NewDecoderClient(process.Connection()).Decode(t.Context(), &contract.DecodeRequest{Ticket: 99})
	if status.Code(err) != codes.NotFound {
		t.Errorf("unknown ticket: %v", err)
	}
}
