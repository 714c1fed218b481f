package province

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/gowebpki/jcs"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/internal/code"
	"yinxin/internal/journal"
	"yinxin/license/qr"
	"yinxin/seal/jsondoc"
	"yinxin/seal/ses"
	"yinxin/verify"
	"yinxin/verify/status"
)

var update = flag.Bool("update", false, "make the worked examples of docs/examples anew")

const (
	examples     = "../../docs/examples"
	examplesPage = "../../docs/examples.md"
	exampleJSON  = `{"文号":"示例〔2026〕1号","fee":0.0}`
)

// example reads one file of the worked examples.
func example(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// makeExamples leaves what one province made: signatures are random, so the files
// are kept and the tests check them.
func makeExamples(t *testing.T) {
	h := withType(t)
	licence := h.issue(t)
	sealed := h.sealJSON(t, []byte(exampleJSON))
	token, err := h.Licences.Token(t.Context(), licence.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsondoc.Parse(sealed)
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := ses.ParseStamp(parsed.Stamps()[0])
	if err != nil {
		t.Fatal(err)
	}
	id, _ := stamp.StampID()
	if err := h.Journal.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	receipt, err := h.Journal.Receipt(t.Context(), act.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := h.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := stamp.Seal.SM3()
	journalCert, err := h.CA.Purpose(t.Context(), ca.PurposeJournal)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]func() ([]byte, error){
		"at.txt":               func() ([]byte, error) { return []byte(h.clock.now().UTC().Format(time.RFC3339Nano) + "\n"), nil },
		"trust.json":           bundle.Marshal,
		"decision.json":        func() ([]byte, error) { return []byte(exampleJSON), nil },
		"decision.sealed.json": func() ([]byte, error) { return sealed, nil },
		"licence.json":         func() ([]byte, error) { return licence.Document, nil },
		"qr.txt":               func() ([]byte, error) { return []byte(qr.Address(h.Identity.URL, token) + "\n"), nil },
		"root.crl":             func() ([]byte, error) { l, err := h.CRLs.List(t.Context(), "root"); return l.DER, err },
		"issuing.crl":          func() ([]byte, error) { l, err := h.CRLs.List(t.Context(), "issuing"); return l.DER, err },
		"seal-status.json":     func() ([]byte, error) { return h.Seals.Status(t.Context(), h.seal.ID, sum, time.Time{}, "") },
		"seal-list.json":       func() ([]byte, error) { return h.Seals.SealList(t.Context()) },
		"licence-status.json":  func() ([]byte, error) { return h.Licences.Status(t.Context(), licence.Identifier, "") },
		"status-list.json":     func() ([]byte, error) { return h.Licences.StatusList(t.Context(), licence.Shard) },
		"receipt.json":         func() ([]byte, error) { return json.MarshalIndent(receipt, "", " ") },
		"journal.cer":          func() ([]byte, error) { return journalCert.Certificate.Raw, nil },
		"code.txt":             func() ([]byte, error) { return []byte(licence.Code + "\n"), nil },
	}
	if err := os.MkdirAll(examples, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, make := range files {
		b, err := make()
		if err == nil {
			err = os.WriteFile(filepath.Join(examples, name), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The worked examples hold: whoever builds the same bytes can check theirs against
// these (docs/protocol.md).
func TestExamplesHold(t *testing.T) {
	if *update {
		makeExamples(t)
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(example(t, "at.txt"))))
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := certs.ParseBundle(example(t, "trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := bundle.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.Open(certs.TrustOptions{Anchors: []string{anchor}, At: at})
	if err != nil {
		t.Fatal(err)
	}
	evidence := &verify.Evidence{}
	for name, kind := range map[string]verify.Kind{"root.crl": verify.KindCRL, "issuing.crl": verify.KindCRL, "seal-status.json": verify.KindSealStatus,
		"seal-list.json": verify.KindSealList, "licence-status.json": verify.KindLicence, "status-list.json": verify.KindStatusList} {
		evidence.Items = append(evidence.Items, verify.NewItem(kind, example(t, name)))
	}
	in := verify.Input{Trust: trust, Evidence: evidence, At: at}
	for _, name := range []string{"decision.sealed.json", "licence.json"} {
		b := example(t, name)
		want(t, verify.Open(bytes.NewReader(b), int64(len(b)), name, nil).Judge(in), verify.Valid, "")
	}
	token := exampleToken(t)
	if r := new(verify.Engine).JudgeToken(token, in); r.Record != verify.InForce {
		t.Errorf("%+v", r)
	}
	var receipt journal.Receipt
	if err := json.Unmarshal(example(t, "receipt.json"), &receipt); err != nil {
		t.Fatal(err)
	}
	cert, err := certs.ParseCertificate(example(t, "journal.cer"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := journal.NewVerifier("yinxin/520000", cert.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.CheckReceipt(v, receipt); err != nil {
		t.Error(err)
	}
	typed := strings.TrimSpace(string(example(t, "code.txt")))
	if canonical, err := code.Parse(strings.ToLower(code.Group(typed))); err != nil || canonical != typed {
		t.Errorf("%s %v", canonical, err)
	}
}

func exampleToken(t *testing.T) *qr.Token {
	t.Helper()
	_, digits, _ := strings.Cut(strings.TrimSpace(string(example(t, "qr.txt"))), "#")
	token, err := qr.Parse(digits)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// docs/examples.md is printed from the files.
func TestExamplesPage(t *testing.T) {
	page := printExamples(t)
	if *update {
		if err := os.WriteFile(examplesPage, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(examplesPage)
	if err != nil || !bytes.Equal(have, page) {
		t.Errorf("docs/examples.md is not what its files say; run: go test ./internal/province -run TestExamples -update (%v)", err)
	}
}

func printExamples(t *testing.T) []byte {
	var b bytes.Buffer
	section := func(title, text string, lines ...string) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", title, text)
		for i := 0; i+1 < len(lines); i += 2 {
			fmt.Fprintf(&b, "\n%s\n\n```\n%s\n```\n", lines[i], lines[i+1])
		}
	}
	fmt.Fprintf(&b, "# Worked examples\n\nOf each thing that docs/protocol.md defines, in bytes, as one province made them at %s. The files lie in docs/examples; a test checks every one of them.\n",
		strings.TrimSpace(string(example(t, "at.txt"))))
	exampleStatement(t, section)
	exampleStamp(t, section)
	bundle, err := certs.ParseBundle(example(t, "trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := bundle.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	section("3. Trust", "`trust.json` is a scheme list with one region list.", "Its anchor, hex SM3 of the RFC 8785 form of `{\"k\", \"keys\"}` of the scheme list", anchor)
	exampleStatus(t, section)
	exampleQR(t, section)
	exampleLeaf(t, section)
	section("10. Licences as JSON", "`licence.json` is a sealed licence.")
	return b.Bytes()
}

type printer func(title, text string, lines ...string)

func exampleStatement(t *testing.T, section printer) {
	raw := example(t, "seal-status.json")
	st, err := certs.ParseStatement(raw)
	if err != nil {
		t.Fatal(err)
	}
	typ := "application/vnd.yinxin.seal-status.v1+json"
	section("1. Signed statements", "`seal-status.json`.", "Its payload", string(st.Payload),
		"What is signed, SM2 with ZA over PAE: this prefix and the payload", fmt.Sprintf("DSSEv1 %d %s %d ", len(typ), typ, len(st.Payload)),
		"keyid, hex SM3 of the status signer's certificate", st.KeyIDs[0])
}

func exampleStamp(t *testing.T, section printer) {
	doc := example(t, "decision.json")
	canonical, err := jcs.Transform(doc)
	if err != nil {
		t.Fatal(err)
	}
	sum := sm3.Sum(canonical)
	parsed, err := jsondoc.Parse(example(t, "decision.sealed.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ses.ParseStamp(parsed.Stamps()[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.DataHash, sum[:]) {
		t.Error("the stamp is over something else than the canonical form")
	}
	id, _ := s.StampID()
	imprint := ses.Imprint(s.SignatureValue)
	section("2. Stamps", "`decision.json` and `decision.sealed.json`.", "What stamp 0 covers, RFC 8785", string(canonical), "dataHash, its SM3", hex.EncodeToString(sum[:]),
		"propertyInfo", s.PropertyInfo, "timeInfo", s.TimeInfo.Format("20060102150405Z"), "stamp id in extDatas", hex.EncodeToString(id),
		"signature, content of the BIT STRING without its first octet", hex.EncodeToString(s.SignatureValue), "imprint of the time-stamp, SM3 of that", hex.EncodeToString(imprint[:]))
}

func exampleStatus(t *testing.T, section printer) {
	st, err := certs.ParseStatement(example(t, "status-list.json"))
	if err != nil {
		t.Fatal(err)
	}
	var l status.StatusList
	if err := st.Decode(&l); err != nil {
		t.Fatal(err)
	}
	section("5. Status", "`seal-status.json`, `seal-list.json`, `licence-status.json` and `status-list.json`.",
		"zlib of the 1,048,576 positions of the shard, all of them valid", hex.EncodeToString(l.Bits))
}

func exampleQR(t *testing.T, section printer) {
	address := strings.TrimSpace(string(example(t, "qr.txt")))
	token := exampleToken(t)
	section("6. QR and codes", "`qr.txt` and `code.txt`.", "Address", address, "The array, deterministic CBOR", hex.EncodeToString(token.Body()),
		"Verification code in groups", code.Group(strings.TrimSpace(string(example(t, "code.txt")))))
}

func exampleLeaf(t *testing.T, section printer) {
	var r journal.Receipt
	if err := json.Unmarshal(example(t, "receipt.json"), &r); err != nil {
		t.Fatal(err)
	}
	hash := act.LeafHash(r.Leaf)
	section("7. Journal", "`receipt.json` and `journal.cer`.", "Leaf of the stamp, deterministic CBOR", hex.EncodeToString(r.Leaf), "Its hash, SM3 of 00 and the leaf", hex.EncodeToString(hash[:]),
		"Checkpoint", strings.TrimRight(r.Checkpoint, "\n"))
}
