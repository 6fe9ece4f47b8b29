package decoder

import (
	"strings"
	"testing"

	"vsed/plugins/contract"
)

// withLimits is the one decoder of this process under other limits.
func withLimits(t *testing.T, change func(*Limits)) *Decoder {
	t.Helper()
	limits := DefaultLimits()
	change(&limits)
	whole := newDecoder(t)
	return &Decoder{limits: limits, account: whole.account, formats: whole.formats}
}

func TestRetire(t *testing.T) {
	photo := encode(t, gradient(16, 16), ".png")
	f := func(d *Decoder, want string) {
		t.Helper()
		for range 3 {
			if reason := d.Retire(); reason != "" && !strings.Contains(reason, "memory") {
				t.Errorf("too soon: %s", reason)
			}
			if _, err := d.Decode(t.Context(), asFile(t, photo), usual()); err != nil {
				t.Fatal(err)
			}
		}
		if reason := d.Retire(); !strings.HasPrefix(reason, want) || want == "" && reason != "" {
			t.Errorf("%q, want %q", reason, want)
		}
	}
	f(withLimits(t, func(l *Limits) { l.RecyclePhotos, l.RecycleMemory = 3, 0 }), "it has read 3 photos")
	f(withLimits(t, func(l *Limits) { l.RecyclePhotos, l.RecycleMemory = 0, 0 }), "")
	f(withLimits(t, func(l *Limits) { l.RecycleMemory = 1 }), "it holds ")
}

func TestLimitsAreKept(t *testing.T) {
	d := withLimits(t, func(l *Limits) { l.Pixels = 1_000_000 })
	_, err := d.Decode(t.Context(), asFile(t, encode(t, gradient(1200, 1000), ".png")), usual())
	if err == nil || err.Error() != "is 1200 × 1000 pixels, more than the limit of 1 megapixels" {
		t.Error(err)
	}
	for _, wrong := range []Limits{{}, {Pixels: 1, Memory: 1 << 20}, {Pixels: 1, Memory: DataLimit, RecyclePhotos: -1}} {
		if wrong.check() == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

func TestReadSidecar(t *testing.T) {
	read := func(content string) (*contract.Metadata, error) {
		return newDecoder(t).ReadSidecar(t.Context(), asFile(t, []byte(content)), &contract.ReadSidecarRequest{})
	}
	got, err := read(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF>`)
	if err != nil || got.Format != "xmp" || got.Rating != 4 {
		t.Errorf("%v %v", got, err)
	}
	for content, want := range map[string]string{"": "is not XMP", "text": "is not XMP", strings.Repeat(" ", 5<<20): "is a file of 5 MiB"} {
		if _, err := read(content); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", content, err, want)
		}
	}
}
