package certs

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// info of a token in parts, each the DER of its field.
type info struct {
	version, policy, imprint, serial, time, accuracy, ordering, nonce, tsa, extensions, after []byte
}

var imprint = sm3.Sum([]byte("签名值"))

func usualInfo() *info {
	return &info{
		version: []byte{2, 1, 1}, policy: oid(OIDTSAPolicy), imprint: sequence(sm3Algorithm, tlv(0x04, imprint[:])), serial: []byte{2, 1, 5},
		time: tlv(0x18, []byte("20261124040000.25Z")), accuracy: sequence([]byte{2, 1, 1}),
	}
}

func (i *info) der() []byte {
	return sequence(i.version, i.policy, i.imprint, i.serial, i.time, i.accuracy, i.ordering, i.nonce, i.tsa, i.extensions, i.after)
}

func timeStamper(t testing.TB, ca *entity) *entity {
	return spec{name: "时间戳", usage: signs, ekus: []OID{OIDEKUTimeStamping}, ekuCritical: true, serial: 3}.make(t, ca)
}

func TestTimeStamp(t *testing.T) {
	ca := root(t, "根")
	tsa := timeStamper(t, ca)
	i := usualInfo()
	i.accuracy = sequence([]byte{2, 1, 1}, tlv(0x80, []byte{1, 0xf4 - 0x80}), tlv(0x81, []byte{7}))
	i.nonce = []byte{2, 1, 42}
	content := i.der()
	p := cmsParts(tsa, OIDTSTInfo, content)
	p.certs = [][]byte{tsa.Raw, ca.Raw}
	slices.SortFunc(p.certs, bytes.Compare)
	der := p.der(t, tsa.key, content)
	got, err := ParseTimeStamp(der)
	if err != nil {
		t.Fatal(err)
	}
	if !got.GenTime.Equal(noon.Add(250*time.Millisecond)) || got.Accuracy != time.Second+372*time.Millisecond+7*time.Microsecond || !bytes.Equal(got.Imprint, imprint[:]) ||
		got.Serial.Int64() != 5 || got.Nonce.Int64() != 42 || got.Policy != OIDTSAPolicy || !got.Signer.Equal(tsa.Certificate) || len(got.Certificates) != 2 || len(got.Notices) != 0 || !bytes.Equal(got.Raw, der) {
		t.Fatalf("%+v", got)
	}
}

func TestStrictTimeStamp(t *testing.T) {
	ca := root(t, "根")
	tsa := timeStamper(t, ca)
	genTime := func(s string) func(*info) { return func(i *info) { i.time = tlv(0x18, []byte(s)) } }
	accuracy := func(b ...[]byte) func(*info) { return func(i *info) { i.accuracy = sequence(b...) } }
	hash := func(b []byte) func(*info) { return func(i *info) { i.imprint = b } }
	for name, c := range map[string]struct {
		change func(*info)
		want   error
	}{
		"as it is":    {func(*info) {}, nil},
		"no accuracy": {func(i *info) { i.accuracy = nil }, nil},
		"ordering, tsa, extensions": {func(i *info) {
			i.ordering, i.tsa, i.extensions = []byte{1, 1, 0xff}, tlv(0xa0, tlv(0xa4, named("x"))), tlv(0xa1, extension("1.2.3", false, nil))
		}, nil},
		"version 2":                     {func(i *info) { i.version = []byte{2, 1, 2} }, ErrMalformed},
		"no policy":                     {func(i *info) { i.policy = nil }, ErrMalformed},
		"imprint of SHA-256":            {hash(sequence(sequence(oid("2.16.840.1.101.3.4.2.1")), tlv(0x04, imprint[:]))), ErrUnsupported},
		"imprint of 31 octets":          {hash(sequence(sm3Algorithm, tlv(0x04, imprint[:31]))), ErrMalformed},
		"imprint of 33 octets":          {hash(sequence(sm3Algorithm, tlv(0x04, imprint[:], []byte{0}))), ErrMalformed},
		"imprint with more":             {hash(sequence(sm3Algorithm, tlv(0x04, imprint[:]), []byte{5, 0})), ErrMalformed},
		"serial of 21 octets":           {func(i *info) { i.serial = tlv(2, []byte{2}, make([]byte, 20)) }, ErrMalformed},
		"whole seconds":                 {genTime("20261124040000Z"), nil},
		"nine digits":                   {genTime("20261124040000.123456789Z"), nil},
		"ten digits":                    {genTime("20261124040000.1234567891Z"), ErrMalformed},
		"a trailing zero":               {genTime("20261124040000.250Z"), ErrMalformed},
		"a comma":                       {genTime("20261124040000,25Z"), ErrMalformed},
		"no digit":                      {genTime("20261124040000.Z"), ErrMalformed},
		"an offset":                     {genTime("20261124120000.25+0800"), ErrMalformed},
		"local time":                    {genTime("20261124120000"), ErrMalformed},
		"without seconds":               {genTime("202611240400Z"), ErrMalformed},
		"the 31st of November":          {genTime("20261131040000Z"), ErrMalformed},
		"UTCTime":                       {func(i *info) { i.time = utcTime(noon) }, ErrMalformed},
		"accuracy of an hour":           {accuracy([]byte{2, 2, 0x0e, 0x10}), nil},
		"accuracy of more than an hour": {accuracy([]byte{2, 2, 0x0e, 0x11}), ErrMalformed},
		"accuracy negative":             {accuracy([]byte{2, 1, 0xff}), ErrMalformed},
		"1000 milliseconds":             {accuracy(tlv(0x80, []byte{3, 0xe8})), ErrMalformed},
		"milliseconds negative":         {accuracy(tlv(0x80, []byte{0xff})), ErrMalformed},
		"microseconds first":            {accuracy(tlv(0x81, []byte{1}), tlv(0x80, []byte{1})), ErrMalformed},
		"ordering that is not DER":      {func(i *info) { i.ordering = []byte{1, 1, 1} }, ErrMalformed},
		"nonce of 65 octets":            {func(i *info) { i.nonce = tlv(2, []byte{2}, make([]byte, 64)) }, ErrMalformed},
		"a critical extension":          {func(i *info) { i.extensions = tlv(0xa1, extension("1.2.3", true, nil)) }, ErrUnhandledCritical},
		"an extension twice": {func(i *info) {
			i.extensions = tlv(0xa1, extension("1.2.3", false, nil), extension("1.2.3", false, nil))
		}, ErrMalformed},
		"more behind": {func(i *info) { i.after = []byte{5, 0} }, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			i := usualInfo()
			c.change(i)
			content := i.der()
			_, err := ParseTimeStamp(cmsParts(tsa, OIDTSTInfo, content).der(t, tsa.key, content))
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWhoMaySignATimeStamp(t *testing.T) {
	ca := root(t, "根")
	tsa := timeStamper(t, ca)
	content := usualInfo().der()
	use := func(critical bool, ekus ...OID) *entity {
		return spec{name: "时间戳", usage: signs, ekus: ekus, ekuCritical: critical}.make(t, ca)
	}
	for name, c := range map[string]struct {
		by     *entity
		change func(*cms)
		want   error
	}{
		"as it is":              {tsa, func(*cms) {}, nil},
		"no extended key usage": {use(false), func(*cms) {}, ErrKeyUsage},
		"another":               {use(true, OIDEKUStatusSigner), func(*cms) {}, ErrKeyUsage},
		"not critical":          {use(false, OIDEKUTimeStamping), func(*cms) {}, ErrKeyUsage},
		"not alone":             {use(true, OIDEKUTimeStamping, OIDEKUClientAuth), func(*cms) {}, ErrKeyUsage},
		"any":                   {use(true, OIDEKUAny), func(*cms) {}, ErrKeyUsage},
		"no certificate":        {tsa, func(c *cms) { c.certs = nil }, ErrMalformed},
		"another's certificate": {tsa, func(c *cms) { c.certs = [][]byte{ca.Raw} }, ErrMalformed},
		"two signers":           {tsa, func(c *cms) { c.second = sequence(c.signerVersion, c.sid, c.digest, c.algorithm, tlv(0x04)) }, ErrMalformed},
		"no signed attributes":  {tsa, func(c *cms) { c.attrs = nil }, ErrMalformed},
		"no signingCertificateV2": {tsa, func(c *cms) {
			c.attrs = slices.DeleteFunc(c.attrs, func(a []byte) bool { return bytes.Equal(a, signingCert(tsa.Certificate)) })
		}, ErrMalformed},
		"content of another type":       {tsa, func(c *cms) { c.encap = sequence(oid(OIDData), tlv(explicit0, tlv(0x04, content))) }, ErrMalformed},
		"detached":                      {tsa, func(c *cms) { c.encap = sequence(oid(OIDTSTInfo)) }, ErrMalformed},
		"a response and not its token":  {tsa, func(c *cms) { c.kind = OIDData }, ErrUnsupported},
		"signed by the key of a sealer": {&entity{tsa.Certificate, ca.key}, func(*cms) {}, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			p := cmsParts(c.by, OIDTSTInfo, content)
			c.change(p)
			_, err := ParseTimeStamp(p.der(t, c.by.key, content))
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestNothingFollowsTSTInfo(t *testing.T) {
	tsa := timeStamper(t, root(t, "根"))
	content := append(usualInfo().der(), 5, 0)
	if _, err := ParseTimeStamp(cmsParts(tsa, OIDTSTInfo, content).der(t, tsa.key, content)); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
}

// Every octet of a token is altered, each bit of it. What is refused is well.
// What is read must still say the same, and either a notice tells of it or the
// octet belongs to a certificate beside the signer's, whose own signature then
// fails.
func TestNoBitOfATimeStampCanBeChanged(t *testing.T) {
	ca := root(t, "根")
	tsa := timeStamper(t, ca)
	content := usualInfo().der()
	p := cmsParts(tsa, OIDTSTInfo, content)
	p.certs = [][]byte{tsa.Raw, ca.Raw}
	slices.SortFunc(p.certs, bytes.Compare)
	der := p.der(t, tsa.key, content)
	whole, err := ParseTimeStamp(der)
	if err != nil || len(whole.Notices) != 0 {
		t.Fatal(err, whole)
	}
	for i := range der {
		for bit := range 8 {
			changed := bytes.Clone(der)
			changed[i] ^= 1 << bit
			got, err := ParseTimeStamp(changed)
			if err != nil {
				continue
			}
			if !got.GenTime.Equal(whole.GenTime) || got.Accuracy != whole.Accuracy || !bytes.Equal(got.Imprint, whole.Imprint) || got.Serial.Cmp(whole.Serial) != 0 || !got.Signer.Equal(tsa.Certificate) {
				t.Fatalf("octet %d: the token says something else", i)
			}
			if len(got.Notices) > 0 {
				continue
			}
			sound := true
			for _, c := range got.Certificates {
				sound = sound && c.CheckSignatureFrom(ca.Certificate) == nil
			}
			if sound {
				t.Fatalf("octet %d was changed and nothing tells of it", i)
			}
		}
	}
}
