package sidecar

import (
	"bytes"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"testing"

	"vsed/plugins/contract"
)

const foreign = "\ufeff<?xml version='1.0'?>\r\n<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n" +
	`<!-- of another program --><x:xmpmeta xmlns:x='adobe:ns:meta/'>
  <r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
    <r:Description r:about='' xmlns:dt="http://darktable.sf.net/" dt:history_end='3' xmlns:d='http://purl.org/dc/elements/1.1/'
        xmlns:lr='http://ns.adobe.com/lightroom/1.0/'>
      <dt:masks><r:Seq><r:li dt:a="&#x20;&amp;"/></r:Seq></dt:masks>
      <d:subject>
        <r:Bag>
          <r:li>cat</r:li>
          <r:li><![CDATA[a < b]]></r:li>
        </r:Bag>
      </d:subject>
      <lr:hierarchicalSubject><r:Bag><r:li>animal|cat</r:li></r:Bag></lr:hierarchicalSubject>
    </r:Description>
  </r:RDF>
</x:xmpmeta>
` + "<?xpacket end='w'?>      \n"

// items gives the plain items of a property.
func items(t *testing.T, text []byte, property xml.Name) (found []string) {
	t.Helper()
	d, err := scan(text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, list := range d.lists {
		for _, item := range list.items {
			if list.property.name == property && item.plain {
				found = append(found, item.text)
			}
		}
	}
	return found
}

func merge(t *testing.T, existing string, tags, removed []string) []byte {
	t.Helper()
	var old []byte
	if existing != "" {
		old = []byte(existing)
	}
	merged, err := Merge(old, tags, removed)
	if err != nil {
		t.Fatalf("%v: %s", err, existing)
	}
	again, err := Merge(merged, tags, removed)
	if err != nil || !bytes.Equal(again, merged) {
		t.Errorf("merged again: %v\n%s\nfrom\n%s", err, again, merged)
	}
	return merged
}

func TestMergeMakesADocument(t *testing.T) {
	merged := merge(t, "", []string{"dog", "animal/dog", "<&>\"犬"}, []string{"cat"})
	if got := items(t, merged, subject); !slices.Equal(got, []string{"dog", "animal/dog", "<&>\"犬"}) {
		t.Errorf("dc:subject %q", got)
	}
	if got := items(t, merged, tagsList); !slices.Equal(got, []string{"animal/dog"}) {
		t.Errorf("digiKam:TagsList %q", got)
	}
	t.Logf("%s", merged)
}

func TestMergeKeepsEverythingElse(t *testing.T) {
	merged := string(merge(t, foreign, []string{"dog", "cat", "a/b"}, nil))
	want := strings.Replace(foreign, "          <r:li><![CDATA[a < b]]></r:li>\n",
		"          <r:li><![CDATA[a < b]]></r:li>\n          <r:li>dog</r:li>\n          <r:li>a/b</r:li>\n", 1)
	want = strings.Replace(want, "    </r:Description>", `      <digiKam:TagsList xmlns:digiKam="http://www.digikam.org/ns/1.0/">
       <r:Seq>
        <r:li>a/b</r:li>
       </r:Seq>
      </digiKam:TagsList>
    </r:Description>`, 1)
	if merged != want {
		t.Errorf("got %s", merged)
	}
	// What the user puts on and takes off again leaves the document as it was.
	without := string(merge(t, string(merge(t, foreign, []string{"dog"}, nil)), nil, []string{"dog"}))
	if without != foreign {
		t.Errorf("got %s", without)
	}
}

func TestMergeTakesOutWhatTheUserRemoved(t *testing.T) {
	merged := merge(t, foreign, []string{"a < b"}, []string{"cat", "animal/cat", "a < b", "never there"})
	if got := items(t, merged, subject); !slices.Equal(got, []string{"a < b"}) {
		t.Errorf("dc:subject %q", got)
	}
	if got := items(t, merged, hierarchical); got != nil {
		t.Errorf("lr:hierarchicalSubject %q", got)
	}
	// Case makes no other tag, but the user's own spelling stays.
	merged = merge(t, foreign, []string{"Cat"}, []string{"CAT", "Animal/Cat"})
	if got := items(t, merged, subject); !slices.Equal(got, []string{"a < b", "Cat"}) || items(t, merged, hierarchical) != nil {
		t.Errorf("dc:subject %q, lr:hierarchicalSubject %q", got, items(t, merged, hierarchical))
	}
	// Another program may write accents as characters of their own.
	apart := strings.Replace(foreign, "a &lt; b", "cafe\u0301", 1)
	apart = strings.Replace(apart, "<![CDATA[a < b]]>", "cafe\u0301", 1)
	if got := items(t, merge(t, apart, nil, []string{"caf\u00e9"}), subject); !slices.Equal(got, []string{"cat"}) {
		t.Errorf("dc:subject %q", got)
	}
}

func wrapped(properties string) string {
	return `<rdf:RDF xmlns:rdf="` + rdfSpace + `" xmlns:dc="` + dcSpace + `"><rdf:Description>` + properties + `</rdf:Description></rdf:RDF>`
}

func TestMergeShapes(t *testing.T) {
	f := func(existing string) {
		t.Helper()
		merged := merge(t, existing, []string{"dog", "a/b"}, []string{"cat"})
		got := items(t, merged, subject)
		if !slices.Contains(got, "dog") || slices.Contains(got, "cat") {
			t.Errorf("%s became %s", existing, merged)
		}
	}
	f(wrapped(""))
	f(wrapped("<dc:subject/>"))
	f(wrapped("<dc:subject></dc:subject>"))
	f(wrapped("<dc:subject>\n</dc:subject>"))
	f(wrapped("<dc:subject><rdf:Bag/></dc:subject>"))
	f(wrapped("<dc:subject><rdf:Bag ></rdf:Bag></dc:subject>"))
	f(wrapped("<dc:subject><rdf:Bag>\n<rdf:li>cat</rdf:li>\n</rdf:Bag></dc:subject>"))
	f(wrapped("<dc:subject><rdf:Seq><rdf:li> cat\t</rdf:li><rdf:li/><rdf:li>x<b/>cat</rdf:li></rdf:Seq></dc:subject>"))
	f(wrapped("<dc:subject><rdf:Bag><rdf:li>cat</rdf:li></rdf:Bag></dc:subject><dc:subject><rdf:Bag><rdf:li>cat</rdf:li></rdf:Bag></dc:subject>"))
	f(`<RDF xmlns="` + rdfSpace + `"><Description/></RDF>`)
	f(`<RDF xmlns="` + rdfSpace + `"><Description a="/>"
		/></RDF>`)
	f(wrapped("<dc:subject><rdf:Bag><rdf:li>" + strings.Repeat("a<!---->", 1<<18) + "</rdf:li></rdf:Bag></dc:subject>"))
	// A prefix of the same name that means something else.
	f(strings.Replace(wrapped("<dc:title/>"), dcSpace, "urn:other", 1))
}

func TestMergeRefuses(t *testing.T) {
	f := func(existing, reason string) {
		t.Helper()
		merged, err := Merge([]byte(existing), []string{"dog"}, nil)
		var refusal *RefusedError
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), reason) || merged != nil {
			t.Errorf("%.80q: got %v, %.80q", existing, err, merged)
		}
	}
	f("", "no rdf:Description")
	f("JPEG", "text stands outside")
	f("<a/>", "no rdf:Description")
	f("\xff\xfe<\x00", "UTF-16")
	f(foreign[:len(foreign)/2], "not XML in UTF-8 at line")
	f(foreign+"<a/>", "two roots")
	f(foreign+"\x00", "damaged")
	f(`<?xml version="1.0" encoding="ISO-8859-1"?>`+wrapped(""), "damaged")
	f(wrapped("<dc:title>\xff</dc:title>"), "damaged")
	f(wrapped("&lol;"), "damaged")
	f(wrapped("<dc:subject>cat</dc:subject>"), "no list")
	f(wrapped(`<dc:subject rdf:resource="x"/>`), "no list")
	f(wrapped("<dc:subject><rdf:Description/></dc:subject>"), "no list")
	f(strings.Replace(wrapped(""), "<rdf:Description>", "<rdf:Description dc:subject='cat'>", 1), "no list")
	f(wrapped(strings.Repeat("<a>", deepest)+strings.Repeat("</a>", deepest)), "too deep")
	f(wrapped(strings.Repeat("<a/>", mostTokens/2)), "parts")
	f(wrapped(strings.Repeat(" ", contract.SidecarLimit)), "larger than")
}

// Whatever stands there: it is refused, or the user's word is in it, all else is
// as it was, and merging again changes nothing.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(foreign), "dog", "cat")
	f.Add([]byte(blank), "a/b", "b")
	f.Add([]byte(wrapped("<dc:subject/>")), "a//b\xff", "\ufffe")
	f.Add([]byte(wrapped("<dc:subject><rdf:Bag><rdf:li>cat</rdf:li> </rdf:Bag></dc:subject>")), "", "cat")
	f.Add([]byte(wrapped("<dc:subject><rdf:Bag><rdf:li>cat</rdf:li></rdf:Bag></dc:subject>")), "Cat", "CAT")
	f.Add([]byte(`<RDF xmlns="`+rdfSpace+`"><Description a=">" /></RDF>`), "]]>", "\x00")
	f.Fuzz(func(t *testing.T, existing []byte, tag, removed string) {
		merged, err := Merge(existing, []string{tag}, []string{removed})
		if err != nil {
			return
		}
		again, err := Merge(merged, []string{tag}, []string{removed})
		if err != nil || !bytes.Equal(again, merged) {
			t.Fatalf("merged again: %v\n%s\nfrom\n%s", err, again, merged)
		}
		var got []string
		for _, one := range items(t, merged, subject) {
			got = append(got, plain(one))
		}
		if want := plain(tag); want != "" && !slices.Contains(got, want) {
			t.Errorf("%q is not in %s", tag, merged)
		}
		if plain(tag) != plain(removed) && plain(removed) != "" && slices.Contains(got, plain(removed)) {
			t.Errorf("%q is still in %s", removed, merged)
		}
		if before, after := others(t, existing), others(t, merged); before != after {
			t.Errorf("changed\n%s\nto\n%s", before, after)
		}
	})
}

// others gives a document without its keywords, and without blanks.
func others(t *testing.T, text []byte) string {
	t.Helper()
	d, err := scan(text)
	if err != nil {
		t.Fatal(err)
	}
	var edits []edit
	for _, list := range d.lists {
		edits = append(edits, edit{list.property.start, list.property.end, ""})
	}
	rest := string(d.apply(edits))
	// An empty description may have been opened.
	tag := d.rawName(d.description)
	rest = strings.ReplaceAll(strings.Join(strings.Fields(rest), ""), "></"+tag+">", "/>")
	return rest
}
