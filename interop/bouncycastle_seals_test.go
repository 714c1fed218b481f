package interop

import (
	"archive/zip"
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gowebpki/jcs"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/testlong"
	"yinxin/seal"
)

// sealsProgram is bouncycastle/Seals.java, which knows CMS by its library and of SES no
// more than the places of its members.
var sealsProgram = sync.OnceValues(func() (*javaWitness, error) {
	return startJava("-XX:TieredStopAtLevel=1", "-cp", strings.Join(jars, ":"), filepath.Join("bouncycastle", "Seals.java"))
})

// bcSeals asks it.
func bcSeals(t testing.TB, args ...string) (string, bool) {
	t.Helper()
	testlong.Tool(t, "javac", "default-jdk-headless")
	for _, jar := range jars {
		testlong.File(t, jar, "libbcprov-java libbcpkix-java")
	}
	w, err := sealsProgram()
	if err != nil {
		t.Fatal(err)
	}
	said, err := w.judge(args)
	if err != nil || strings.HasPrefix(said[len(said)-1], "failed: ") {
		t.Fatalf("BouncyCastle did not judge %q: %q %v", args[0], said, err)
	}
	return strings.Join(said, "\n"), said[len(said)-1] == "good"
}

// covered gives the last token of a PDF and the octets of its two ranges, found by
// their text alone.
func covered(t testing.TB, doc []byte) (token, data []byte) {
	t.Helper()
	all := tokens(doc)
	if len(all) == 0 {
		t.Fatal("no token")
	}
	last := all[len(all)-1]
	return der(t, unhex(t, doc[last[0]+1:last[1]-1])), slices.Concat(doc[:last[0]], doc[last[1]:])
}

// last gives the octets of the last entry of an OFD whose name ends so.
func last(t testing.TB, doc []byte, name string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Backward(r.File) {
		if strings.HasSuffix(f.Name, "/"+name) {
			return unpacked(t, f)
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

// What BouncyCastle is asked of one stamp: the token, and the octets that it is over.
type bcQuestion struct{ token, data []byte }

// bcQuestions are stamps of each kind of document, and of generation 5.
func bcQuestions(t testing.TB, h *house) map[string]bcQuestion {
	t.Helper()
	decision := read(t, "../cmd/yinxin/decisions/decision.pdf")
	ask := map[string]bcQuestion{}
	plain := []byte(`{"决定":"准予"}`)
	_, token := stampOf(t, h.sealJSON(t, plain))
	canonical, err := jcs.Transform(plain)
	if err != nil {
		t.Fatal(err)
	}
	ask["JSON"] = bcQuestion{token, canonical}
	token, data := covered(t, h.sealPDF(t, decision, places[0]))
	ask["PDF"] = bcQuestion{token, data}
	token, data = covered(t, h.sealPDF(t, h.sealPDF(t, decision, seal.Place{Riding: &seal.Riding{}}), places[0]))
	ask["PDF, after another"] = bcQuestion{token, data}
	ofd := h.sealOFD(t, read(t, "../cmd/yinxin/decisions/decision.ofd"), seal.Place{Page: 1, X: 20, Y: 30}, seal.ProtectWhole)
	ask["OFD"] = bcQuestion{last(t, ofd, "SignedValue.dat"), last(t, ofd, "Signature.xml")}
	fifth := h.fifthGeneration(t)
	token, data = covered(t, fifth.sealPDF(t, decision, places[0]))
	ask["PDF, generation 5"] = bcQuestion{token, data}
	return ask
}

// fifthGeneration is the house with a seal of GM/T 0031-2025.
func (h *house) fifthGeneration(t testing.TB) *house {
	t.Helper()
	s, err := h.Seals.Make(t.Context(), seal.MakeRequest{Generation: 5, Agency: agencyID, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	other := *h
	other.seal = s
	return &other
}

// A seal and stamps of profile ses: the maker's signature over eSealInfo, the signer's
// over TBS_Sign, signer and seal, digest, and the time-stamp over the signature; each
// refused once an octet of it is another.
func TestBouncyCastleChecksSealsAndStamps(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	issuer := file(t, h.purpose(t, ca.PurposeIssuing))
	namesake := file(t, newHouse(t).purpose(t, ca.PurposeIssuing))
	for name, q := range bcQuestions(t, h) {
		said, ok := bcSeals(t, "stamp", file(t, q.token), file(t, q.data), issuer)
		if version := map[bool]string{true: "version: 5", false: "version: 4"}[strings.HasSuffix(name, "5")]; !ok || !strings.Contains(said, version) {
			t.Errorf("%s: %s", name, said)
		}
		var s sesSignature
		decode(t, q.token, &s)
		sealDER := s.ToSign.Seal.FullBytes
		if said, ok := bcSeals(t, "seal", file(t, sealDER), issuer); !ok || !strings.Contains(said, "示例局") {
			t.Errorf("%s, its seal: %s", name, said)
		}
		refusals := map[string][]string{
			"another document":              {"stamp", file(t, q.token), file(t, blank(bytes.Clone(q.data))), issuer},
			"the stamp's signature":         {"stamp", file(t, flippedIn(t, q.token, s.ToSign.DataHash.Bytes)), file(t, q.data), issuer},
			"the seal maker's signature":    {"seal", file(t, flippedIn(t, sealDER, []byte("示例局"))), issuer},
			"the seal maker's certificate":  {"seal", file(t, sealDER), namesake},
			"the time-stamp":                {"stamp", file(t, flipped(bytes.Clone(q.token))), file(t, q.data), issuer},
			"the signer's certificate is n": {"stamp", file(t, q.token), file(t, q.data), namesake},
		}
		for why, question := range refusals {
			if said, ok := bcSeals(t, question...); ok || !strings.Contains(said, "refused: "+why) {
				t.Errorf("%s, wanted refused for %q: %s", name, why, said)
			}
		}
	}
}

// flippedIn changes a bit where some octets stand last.
func flippedIn(t testing.TB, der, at []byte) []byte {
	t.Helper()
	i := bytes.LastIndex(der, at)
	if i < 0 {
		t.Fatal("the octets are not there")
	}
	out := bytes.Clone(der)
	out[i] ^= 1
	return out
}

// Profile cms whole: SignedData over the byte range, its attributes, the seal in them,
// and the time-stamp of the signature.
func TestBouncyCastleChecksTheSignedData(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	issuer := file(t, h.purpose(t, ca.PurposeIssuing))
	decision := read(t, "../cmd/yinxin/decisions/decision.pdf")
	cms := seal.Order{Profile: seal.ProfileCMS}
	for name, doc := range map[string][]byte{
		"once":              h.sealAs(t, decision, places[0], cms),
		"riding, after ses": h.sealAs(t, h.sealPDF(t, decision, places[0]), seal.Place{Riding: &seal.Riding{}}, cms),
		"generation 5":      h.fifthGeneration(t).sealAs(t, decision, places[0], cms),
		"certified":         h.sealAs(t, decision, places[0], seal.Order{Profile: seal.ProfileCMS, Certify: 2}),
	} {
		token, data := covered(t, doc)
		ask := func(token, data []byte) (string, bool) {
			return bcSeals(t, "signed", file(t, token), file(t, data), issuer, string(certs.OIDSESealAttr))
		}
		if said, ok := ask(token, data); !ok || !strings.Contains(said, "time: ") {
			t.Errorf("%s: %s", name, said)
		}
		for why, altered := range map[string]bcQuestion{
			"message-digest attribute value does not match calculated value": {token, blank(bytes.Clone(data))},
			"the signature":  {flippedIn(t, token, []byte("示例局")), data}, // in the seal, which is signed
			"the time-stamp": {flipped(bytes.Clone(token)), data},        // it stands last
		} {
			if said, ok := ask(altered.token, altered.data); ok || !strings.Contains(said, "refused: "+why) {
				t.Errorf("%s, wanted refused for %q: %s", name, why, said)
			}
		}
	}
}
