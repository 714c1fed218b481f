package lint

import (
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// view is a certificate in parts, read by no reader but this one: the reader of
// certs refuses much that a rule is to name, and two readers see more than one.
type view struct {
	want Expected
	der  []byte

	explicitVersion     bool
	version, serial     []byte // contents of the INTEGERs
	inner, outer        []byte // AlgorithmIdentifiers
	issuer, subject     name
	notBefore, notAfter moment
	key                 keyInfo
	unique              bool // a unique identifier is there
	extensions          []extension

	cert *certs.Certificate // as the house reads it; nil if it refuses
	err  error              // why
}

type name struct {
	raw  []byte
	rdns [][]attribute
}

type attribute struct {
	id    certs.OID
	tag   asn1.Tag
	value []byte
}

// moment is a time as it is written; at is zero if it is none.
type moment struct {
	tag  asn1.Tag
	text string
	at   time.Time
}

type keyInfo struct {
	raw         []byte
	kind, curve certs.OID
	more        bool // something follows the curve
	unused      byte
	point       []byte
}

type extension struct {
	id       certs.OID
	flagged  bool // critical is written, whatever it says
	critical bool
	value    []byte
}

var structure = &Rule{
	ID: "rfc5280_structure", Source: "RFC 5280 4.1",
	Says: "it is a Certificate with the fields of TBSCertificate in their order, and nothing more",
}

var errStructure = errors.New("a field is missing, of another type or one too many")

func read(der []byte, want Expected) (*view, error) {
	v := &view{want: want, der: der}
	in := cryptobyte.String(der)
	var outer, tbs, algorithm, signature cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&tbs, asn1.SEQUENCE) || !outer.ReadASN1Element(&algorithm, asn1.SEQUENCE) ||
		!outer.ReadASN1(&signature, asn1.BIT_STRING) || !outer.Empty() {
		return nil, errStructure
	}
	v.outer = algorithm
	if !v.readTBS(tbs) {
		return nil, errStructure
	}
	v.cert, v.err = certs.ParseCertificate(der)
	return v, nil
}

func (v *view) readTBS(s cryptobyte.String) bool {
	var version, serial, inner, validity, list cryptobyte.String
	var hasList bool
	if !s.ReadOptionalASN1(&version, &v.explicitVersion, asn1.Tag(0).ContextSpecific().Constructed()) {
		return false
	}
	if v.explicitVersion {
		var n cryptobyte.String
		if !version.ReadASN1(&n, asn1.INTEGER) || !version.Empty() {
			return false
		}
		v.version = n
	}
	if !s.ReadASN1(&serial, asn1.INTEGER) || !s.ReadASN1Element(&inner, asn1.SEQUENCE) || !v.issuer.read(&s) || !s.ReadASN1(&validity, asn1.SEQUENCE) ||
		!v.notBefore.read(&validity) || !v.notAfter.read(&validity) || !validity.Empty() || !v.subject.read(&s) || !v.key.read(&s) {
		return false
	}
	v.serial, v.inner = serial, inner
	for _, tag := range []asn1.Tag{1, 2} {
		var id cryptobyte.String
		var has bool
		if !s.ReadOptionalASN1(&id, &has, tag.ContextSpecific()) {
			return false
		}
		v.unique = v.unique || has
	}
	if !s.ReadOptionalASN1(&list, &hasList, asn1.Tag(3).ContextSpecific().Constructed()) || !s.Empty() {
		return false
	}
	return !hasList || v.readExtensions(list)
}

func (v *view) readExtensions(list cryptobyte.String) bool {
	var all cryptobyte.String
	if !list.ReadASN1(&all, asn1.SEQUENCE) || !list.Empty() || all.Empty() {
		return false
	}
	v.extensions = make([]extension, 0, 12)
	for !all.Empty() {
		var one, value cryptobyte.String
		var e extension
		var ok bool
		if !all.ReadASN1(&one, asn1.SEQUENCE) {
			return false
		}
		if e.id, ok = certs.ReadOID(&one); !ok {
			return false
		}
		if e.flagged = one.PeekASN1Tag(asn1.BOOLEAN); e.flagged && !one.ReadASN1Boolean(&e.critical) {
			return false
		}
		if !one.ReadASN1(&value, asn1.OCTET_STRING) || !one.Empty() {
			return false
		}
		e.value = value
		v.extensions = append(v.extensions, e)
	}
	return true
}

func (n *name) read(s *cryptobyte.String) bool {
	var raw, rdns cryptobyte.String
	if !s.ReadASN1Element(&raw, asn1.SEQUENCE) {
		return false
	}
	n.raw = raw
	raw.ReadASN1(&rdns, asn1.SEQUENCE)
	for !rdns.Empty() {
		var set cryptobyte.String
		if !rdns.ReadASN1(&set, asn1.SET) {
			return false
		}
		var rdn []attribute
		for !set.Empty() {
			var pair, value cryptobyte.String
			var a attribute
			var ok bool
			if !set.ReadASN1(&pair, asn1.SEQUENCE) {
				return false
			}
			if a.id, ok = certs.ReadOID(&pair); !ok || !pair.ReadAnyASN1(&value, &a.tag) || !pair.Empty() {
				return false
			}
			a.value = value
			rdn = append(rdn, a)
		}
		n.rdns = append(n.rdns, rdn)
	}
	return true
}

// of gives the text of an attribute, "" if it is not there.
func (n *name) of(id certs.OID) string {
	for _, rdn := range n.rdns {
		for _, a := range rdn {
			if a.id == id {
				return string(a.value)
			}
		}
	}
	return ""
}

func (m *moment) read(s *cryptobyte.String) bool {
	var value cryptobyte.String
	if !s.ReadAnyASN1(&value, &m.tag) || m.tag != asn1.UTCTime && m.tag != asn1.GeneralizedTime {
		return false
	}
	m.text = string(value)
	text := m.text
	if m.tag == asn1.UTCTime { // RFC 5280 4.1.2.5.1: 50 to 99 are of the last century
		century := "20"
		if text >= "50" {
			century = "19"
		}
		text = century + text
	}
	const layout = "20060102150405Z"
	if at, err := time.Parse(layout, text); err == nil && at.Format(layout) == text {
		m.at = at
	}
	return true
}

func (k *keyInfo) read(s *cryptobyte.String) bool {
	var raw, seq, algorithm, bits cryptobyte.String
	if !s.ReadASN1Element(&raw, asn1.SEQUENCE) {
		return false
	}
	k.raw = raw
	if !raw.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&algorithm, asn1.SEQUENCE) || !seq.ReadASN1(&bits, asn1.BIT_STRING) || !seq.Empty() || !bits.ReadUint8(&k.unused) {
		return false
	}
	k.point = bits
	k.kind, _ = certs.ReadOID(&algorithm)
	k.curve, _ = certs.ReadOID(&algorithm)
	k.more = !algorithm.Empty()
	return true
}

// ext gives an extension, nil if it is not there.
func (v *view) ext(id certs.OID) *extension {
	for i := range v.extensions {
		if v.extensions[i].id == id {
			return &v.extensions[i]
		}
	}
	return nil
}
