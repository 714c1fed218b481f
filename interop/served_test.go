package interop

import (
	"encoding/pem"
	"strings"
	"testing"

	"yinxin/ca"
)

// enrol makes a key and a request, has it certified by EST, and gives the serial of
// the certificate, which it leaves as c.pem.
func (s *station) enrol() (serial string) {
	s.t.Helper()
	s.shell("openssl", "genpkey", "-algorithm", "SM2", "-out", s.path("k.pem"))
	s.shell("openssl", "req", "-new", "-utf8", "-sm3", "-sigopt", distid, "-key", s.path("k.pem"), "-subj", "/C=CN/O=示例局/CN=gateway", "-outform", "DER", "-out", s.path("r.der"))
	s.shows([]string{"verify OK"}, "openssl", "req", "-inform", "DER", "-in", s.path("r.der"), "-noout", "-verify", "-vfyopt", distid)
	s.shell("openssl", "base64", "-in", s.path("r.der"), "-out", s.path("r.b64"))
	p7 := s.fetchBase64("c.p7", "/.well-known/est/simpleenroll", "-H", "Authorization: Bearer "+s.secret,
		"-H", "Content-Type: application/pkcs10", "-H", "Content-Transfer-Encoding: base64", "--data-binary", "@"+s.path("r.b64"))
	s.shell("openssl", "pkcs7", "-inform", "DER", "-in", p7, "-print_certs", "-out", s.path("c.pem"))
	s.shows([]string{"CN = gateway"}, "openssl", "x509", "-in", s.path("c.pem"), "-noout", "-subject")
	_, serial, _ = strings.Cut(strings.TrimSpace(s.shell("openssl", "x509", "-in", s.path("c.pem"), "-noout", "-serial")), "=")
	return strings.ToLower(serial)
}

// lists has OpenSSL read each kind of list for a serial, and check its signature raw.
func (s *station) lists(serial string, revoked bool) {
	s.t.Helper()
	key := keyOf(s.t, read(s.t, s.fetch("issuing.cer", "/ca/issuing.cer")))
	for name, scope := range map[string]string{"issuing": "Freshest CRL", "issuing-" + ca.Shard(serial): "Issuing Distribution Point: critical", "issuing-delta": "Delta CRL Indicator: critical"} {
		path := s.fetch(name+".crl", "/crl/"+name+".crl")
		text := s.shell("openssl", "crl", "-inform", "DER", "-in", path, "-noout", "-text")
		if !strings.Contains(text, scope) || strings.Contains(text, "Serial Number: "+strings.ToUpper(serial)) != revoked {
			s.t.Errorf("%s, revoked %v:\n%s", name, revoked, text)
		}
		var list signed
		decode(s.t, read(s.t, path), &list)
		checkSignature(s.t, name, key, list.TBS.FullBytes, list.Signature.RightAlign())
	}
}

// ocsp has OpenSSL ask by the issuer's certificate, which it got from the server too.
func (s *station) ocsp(want ...string) {
	s.t.Helper()
	s.shell("openssl", "x509", "-inform", "DER", "-in", s.fetch("issuing.cer", "/ca/issuing.cer"), "-out", s.path("issuing.pem"))
	s.shows(want, "openssl", "ocsp", "-sm3", "-issuer", s.path("issuing.pem"), "-cert", s.path("c.pem"), "-url", s.url+"/ocsp", "-resp_text", "-noverify")
}

// timeStamp has OpenSSL ask for the time and read the reply; the signature is good by
// one of the certificates that it finds in the token.
func (s *station) timeStamp() {
	s.t.Helper()
	s.shell("openssl", "ts", "-query", "-data", s.path("c.pem"), "-sm3", "-cert", "-out", s.path("q.tsq"))
	reply := s.fetch("r.tsr", "/tsa", "-H", "Content-Type: application/timestamp-query", "--data-binary", "@"+s.path("q.tsq"))
	s.shows([]string{"Status: Granted.", "Hash Algorithm: sm3", "Accuracy: 0x01 seconds"}, "openssl", "ts", "-reply", "-in", reply, "-text")
	var granted timeStampResp
	decode(s.t, read(s.t, reply), &granted)
	signer := parseToken(s.t, granted.Token.FullBytes).Content.Signers[0]
	attributes := append([]byte{0x31}, signer.Attributes.FullBytes[1:]...) // RFC 5652 5.4
	s.shell("openssl", "pkcs7", "-inform", "DER", "-in", write(s.t, "token", granted.Token.FullBytes), "-print_certs", "-out", s.path("tsa.pem"))
	good := 0
	for block, rest := pem.Decode(read(s.t, s.path("tsa.pem"))); block != nil; block, rest = pem.Decode(rest) {
		if key := keyOf(s.t, block.Bytes); verifies(s.t, key, attributes, signer.Signature) {
			checkSignature(s.t, "the token", key, attributes, signer.Signature)
			good++
		}
	}
	if good != 1 {
		s.t.Errorf("%d certificates of the token's signed it", good)
	}
}

// One process of `yinxin serve` on a folder that its commands set up, and what OpenSSL
// and curl ask of it: a certificate by EST, its path, each kind of list, OCSP, the
// time; then the certificate is revoked, and the lists and OCSP say so at once.
func TestOpenSSLAndCurlAtTheServer(t *testing.T) {
	t.Parallel()
	s := newStation(t)
	authorities := s.fetchBase64("ca.p7", "/.well-known/est/cacerts")
	if out := s.shell("openssl", "pkcs7", "-inform", "DER", "-in", authorities, "-print_certs", "-noout"); strings.Count(out, "subject=") != 2 {
		t.Error(out)
	}
	serial := s.enrol()
	s.lists(serial, false)
	s.ocsp("c.pem: good", "Cert Status: good", "OCSP Nonce")
	s.shows([]string{"c.pem: OK"}, "openssl", "verify", "-x509_strict", "-partial_chain", "-trusted", s.path("issuing.pem"), "-vfyopt", distid, s.path("c.pem"))

	s.timeStamp()
	s.fetch("revoked.json", "/api/v1/certificates/"+serial+"/revoke", "-H", "Authorization: Bearer "+s.secret, "-H", "Content-Type: application/json",
		"--data", `{"operator":"张三","grounds":"test","reason":"keyCompromise"}`)
	s.lists(serial, true)
	s.ocsp("c.pem: revoked", "Reason: keyCompromise")
}
