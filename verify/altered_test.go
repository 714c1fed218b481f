package verify_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/internal/testlong"
	"yinxin/seal/cms"
	"yinxin/seal/jsondoc"
	"yinxin/seal/ses"
	"yinxin/verify"
)

// sealed is one decision stamped in each way a stamp can travel, and how to put
// other octets in the stamp's place.
type sealed struct {
	name  string
	stamp []byte
	// with gives the document, and the detached stamp if it is one, with der for
	// the stamp.
	with func(der []byte) (doc, stamp []byte)
}

func sealedDocuments(t testing.TB, s *scene) []sealed {
	t.Helper()
	parsed, err := jsondoc.Parse(decision)
	if err != nil {
		t.Fatal(err)
	}
	inJSON, err := jsondoc.Parse(s.r.sealJSON(t, s.order, decision))
	if err != nil {
		t.Fatal(err)
	}
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: plainFace(t)})
	page := s.r.sealPDF(t, s.order, sample(t, "../seal/pdf/testdata/unsigned/minimal.pdf"))
	inPDF, at := contents(t, page)
	s.order.cms = true
	pageCMS := s.r.sealPDF(t, s.order, sample(t, "../seal/pdf/testdata/unsigned/minimal.pdf"))
	inCMS, atCMS := contents(t, pageCMS)
	s.order.seal, s.order.cms = nil, false
	file := []byte("any file at all")
	return []sealed{
		{"json", inJSON.Stamps()[0], func(der []byte) ([]byte, []byte) {
			doc, err := parsed.Append(der)
			if err != nil {
				t.Fatal(err)
			}
			return doc, nil
		}},
		{"pdf", inPDF, func(der []byte) ([]byte, []byte) {
			doc := bytes.Clone(page)
			copy(doc[at:], hex.AppendEncode(nil, append(bytes.Clone(der), make([]byte, max(0, len(inPDF)-len(der)))...)))
			return doc, nil
		}},
		{"cms", inCMS, func(der []byte) ([]byte, []byte) {
			doc := bytes.Clone(pageCMS)
			copy(doc[atCMS:], hex.AppendEncode(nil, append(bytes.Clone(der), make([]byte, max(0, len(inCMS)-len(der)))...)))
			return doc, nil
		}},
		{"detached", s.r.sealFile(t, s.order, file), func(der []byte) ([]byte, []byte) { return file, der }},
	}
}

// contents finds the one stamp in a PDF by its hex, and where it begins.
func contents(t testing.TB, page []byte) (der []byte, at int) {
	t.Helper()
	at = bytes.LastIndex(page, []byte("/Contents <")) + len("/Contents <")
	if at < len("/Contents <") {
		at = bytes.LastIndex(page, []byte("/Contents<")) + len("/Contents<")
	}
	end := bytes.IndexByte(page[at:], '>')
	if end < 0 {
		t.Fatal("no stamp in the page")
	}
	all, err := hex.DecodeString(string(page[at : at+end]))
	if err != nil {
		t.Fatal(err)
	}
	in := cryptobyte.String(all)
	var element cryptobyte.String
	if !in.ReadASN1Element(&element, asn1.SEQUENCE) {
		t.Fatal("no stamp in the page")
	}
	return element, at
}

// part names where in a stamp an octet stands, so that a failure tells what was
// not covered, and none goes untested.
func part(t testing.TB, der []byte) func(int) string {
	t.Helper()
	s, err := ses.ParseStamp(der)
	if err != nil {
		s, err = cms.ParseStamp(der, noon)
	}
	if err != nil {
		t.Fatal(err)
	}
	type span struct {
		name     string
		from, to int
	}
	var spans []span
	add := func(name string, piece []byte) {
		at := bytes.Index(der, piece)
		if at < 0 {
			t.Fatal("no", name)
		}
		spans = append(spans, span{name, at, at + len(piece)})
	}
	for _, x := range []struct {
		name  string
		piece []byte
	}{{"token", s.TimeStamp}, {"signature", s.SignatureValue}, {"picture", s.Seal.Picture.Data}, {"maker's certificate", s.Seal.MakerCert},
		{"seal's signature", s.Seal.SignatureValue}, {"seal", s.Seal.Raw}, {"dataHash", s.DataHash}} {
		add(x.name, x.piece)
	}
	// In profile cms the attributes stand under another tag than the one that is signed.
	_, signed, _ := strings.Cut(string(der), string(s.Signed[1:]))
	to := len(der) - len(signed)
	spans = append(spans, span{"what is signed", to - len(s.Signed), to})
	inList, at := bytes.Index(der, s.SignerCert), bytes.LastIndex(der, s.SignerCert)
	if s.Profile == ses.ProfileCMS { // where the seal comes last
		inList, at = at, inList
	}
	// Before the seal that the list stands in.
	spans = slices.Insert(spans, 0, span{"certList", inList, inList + len(s.SignerCert)}, span{"signer's certificate", at, at + len(s.SignerCert)})
	return func(i int) string {
		for _, p := range spans {
			if i >= p.from && i < p.to {
				return p.name
			}
		}
		return "frame and algorithm"
	}
}

// page tells the ways in which a stamp is long, and stands in a file of structure.
func page(name string) bool { return name == "pdf" || name == "cms" }

// One bit in any octet of a stamp, whichever way it travels, and it is not good.
func TestNoAlteredBitIsGood(t *testing.T) {
	s := newScene(t)
	c := &court{in: s.input()}
	for _, d := range sealedDocuments(t, s) {
		t.Run(d.name, func(t *testing.T) {
			doc, stamp := d.with(d.stamp)
			expect(t, c.judge(t, doc, stamp), verify.Valid, "")
			of := part(t, d.stamp)
			tried := map[string]int{}
			step := testlong.Count(max(1, len(d.stamp)/300), 1)
			for i := 0; i < len(d.stamp); i += step {
				bits := []int{i % 8}
				if testlong.Enabled() && !page(d.name) { // whose stamp is long
					bits = []int{0, 1, 2, 3, 4, 5, 6, 7}
				}
				for _, bit := range bits {
					der := bytes.Clone(d.stamp)
					der[i] ^= 1 << bit
					doc, stamp := d.with(der)
					if r := c.judge(t, doc, stamp); good(r) || r.Verdict == verify.None && !page(d.name) {
						t.Fatalf("bit %d of octet %d (%s): %s %v", bit, i, of(i), r.Verdict, codes(r))
					}
					tried[of(i)]++
				}
			}
			if len(tried) != 11 {
				t.Errorf("not every part was tried: %v", tried)
			}
		})
	}
}

// The smallest parts are tried bit by bit always.
func TestAlgorithmAndFrame(t *testing.T) {
	s := newScene(t)
	c := &court{in: s.input()}
	docs := sealedDocuments(t, s)
	d := docs[len(docs)-1]
	of := part(t, d.stamp)
	for i := range d.stamp {
		name := of(i)
		if name != "frame and algorithm" && name != "signature" && name != "dataHash" && !(name == "token" && i%64 == 0) {
			continue
		}
		for bit := range 8 {
			der := bytes.Clone(d.stamp)
			der[i] ^= 1 << bit
			doc, stamp := d.with(der)
			if r := c.judge(t, doc, stamp); good(r) {
				t.Fatalf("bit %d of octet %d (%s): %s", bit, i, name, r.Verdict)
			}
		}
	}
}
