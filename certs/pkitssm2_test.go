package certs

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 the suite's own keys
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// twins turns NIST's suite into SM2: each key is replaced by one of ours
// wherever it stands, and whoever signed signs again. What is asked of a path
// stays as NIST wrote it, and the strict readers read it.
type twins struct {
	t         *testing.T
	originals map[string]*Certificate // by file
	keys      map[string]softKey      // by the SubjectPublicKeyInfo
	done      map[string][]byte       // by file
	dsa       publicKey               // whose parameters others inherit
}

func newTwins(t *testing.T) *twins {
	w := &twins{t, map[string]*Certificate{}, map[string]softKey{}, map[string][]byte{}, nil}
	for _, v := range vectors(t) {
		for _, name := range v.CertPath {
			if c, err := ParseAnyCertificate(pkitsFile(t, "certs", name)); err == nil {
				w.originals[name] = c
				if k, ok := c.key.(dsaKey); ok && k.Parameters != (dsa.Parameters{}) {
					w.dsa = k
				}
			}
		}
	}
	return w
}

// signer gives our key for whoever of the suite signed; one of nobody's if the
// signature is bad.
func (w *twins) signer(issuer Name, a algorithm, message, signature []byte) softKey {
	for _, c := range w.originals {
		if c.Subject.Equal(issuer) && a.check(working(c.key, w.dsa), message, signature, true) == nil {
			return w.key(c.RawSPKI)
		}
	}
	return newKey(w.t)
}

func (w *twins) key(spki []byte) softKey {
	k, ok := w.keys[string(spki)]
	if !ok {
		k = newKey(w.t)
		w.keys[string(spki)] = k
	}
	return k
}

func fieldsOf(t testing.TB, tbs []byte) [][]byte {
	t.Helper()
	in := cryptobyte.String(tbs)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) {
		t.Fatal("no SEQUENCE")
	}
	var fields [][]byte
	for !seq.Empty() {
		var field cryptobyte.String
		var tag asn1.Tag
		if !seq.ReadAnyASN1Element(&field, &tag) {
			t.Fatal("no element")
		}
		fields = append(fields, field)
	}
	return fields
}

func (w *twins) sign(by softKey, fields [][]byte) []byte {
	tbs := sequence(fields...)
	sig, err := by.SignMessage(w.t.Context(), tbs)
	if err != nil {
		w.t.Fatal(err)
	}
	return sequence(tbs, sm2WithSM3, tlv(0x03, []byte{0}, sig))
}

func (w *twins) certificate(name string) (*Certificate, error) {
	o, ok := w.originals[name]
	if !ok {
		_, err := ParseAnyCertificate(pkitsFile(w.t, "certs", name))
		return nil, err
	}
	if w.done[name] == nil {
		fields := fieldsOf(w.t, o.RawTBS)
		fields[2], fields[6] = sm2WithSM3, spkiOf(pointOf(w.t, w.key(o.RawSPKI)))
		w.done[name] = w.sign(w.signer(o.Issuer, o.algorithm, o.RawTBS, o.Signature), fields)
	}
	c, err := ParseCertificate(w.done[name])
	if err == nil && !bytes.Equal(c.RawSubject, o.RawSubject) {
		w.t.Fatal("the subject is another")
	}
	return c, err
}

func (w *twins) crl(name string) (*CRL, error) {
	o, err := ParseAnyCRL(pkitsFile(w.t, "crls", name))
	if err != nil {
		return nil, err
	}
	if w.done[name] == nil {
		fields := fieldsOf(w.t, o.RawTBS)
		fields[1] = sm2WithSM3
		w.done[name] = w.sign(w.signer(o.Issuer, o.algorithm, o.RawTBS, o.Signature), fields)
	}
	return ParseCRL(w.done[name])
}

// stricter are the vectors that RFC 5280 lets pass and the strict reader
// refuses, since no authority may write what they hold.
var stricter = map[string]string{
	"4.3.6":  "unique identifiers (RFC 5280 4.1.2.8)",
	"4.4.14": "a negative serial number (4.1.2.2)",
}

func TestPKITSInSM2(t *testing.T) {
	w := newTwins(t)
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			err := v.judge(t, w.certificate, w.crl)
			why, strict := stricter[v.number()]
			if want := v.ShouldValidate && !strict; (err == nil) != want {
				t.Fatalf("%v, want good: %t %s", err, want, why)
			}
		})
	}
}
