package decoder

import (
	"bytes"
	"compress/zlib"
	"os"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"vsed/plugins/contract"
)

// TestXMPOfPNG: described.png was written by exiftool 12.57. Other programs
// compress the packet.
func TestXMPOfPNG(t *testing.T) {
	described, err := os.ReadFile("testdata/described.png")
	if err != nil {
		t.Fatal(err)
	}
	const head = "XML:com.adobe.xmp\x00"
	from := bytes.Index(described, []byte(head)) + len(head) + len("\x00\x00\x00\x00") // compression, language, translation
	packet := described[from : bytes.Index(described, []byte("IDAT"))-8]
	var squeezed bytes.Buffer
	writer := zlib.NewWriter(&squeezed)
	_, _ = writer.Write(packet) // a buffer takes all
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	plain := pngOf(t, gradient(8, 6))
	compressed := pngWithChunk(plain, "iTXt", slices.Concat([]byte(head), []byte{1, 0, 0, 0}, squeezed.Bytes()))
	const says = `title:"A red card" description:"Held up on 8 July" rating:-1 rated:true keywords:["red", "square", "sport/football"]
		taken:"2024-07-08T09:10:11" taken_offset:"+02:00" taken_source:TAKEN_SOURCE_XMP camera:"Pixel 7"`
	f := func(photo []byte, want string) {
		t.Helper()
		expected := &contract.Metadata{}
		if err := prototext.Unmarshal([]byte(`format:"png" width:8 height:6 orientation:1 `+want), expected); err != nil {
			t.Fatal(err)
		}
		if response, err := decode(t, photo, usual()); err != nil || !proto.Equal(response.Metadata, expected) {
			t.Errorf("got  %v, %v\nwant %v", response.GetMetadata(), err, expected)
		}
	}
	f(described, says)
	f(compressed, says)
	f(pngWithChunk(plain, "iTXt", slices.Concat([]byte(head), []byte{0, 0, 0, 0}, packet[:len(packet)/3])), `description:"Held up on 8 July" keywords:"red"`) // what stands before the fault
	f(pngWithChunk(plain, "iTXt", slices.Concat([]byte(head), []byte{1, 0, 0, 0}, squeezed.Bytes()[:40])), "")
}
