package lint

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

var policyQualifiers = &Rule{
	ID: "rfc5280_policy_qualifiers", Source: "RFC 5280 4.2.1.4",
	Says: "a policy's qualifiers are one address of the practice statement, as an IA5String",
	broken: func(v *view) string {
		e := v.ext(idPolicies)
		if e == nil {
			return ""
		}
		list := v.policies()
		if list == nil {
			return "they are not well formed"
		}
		for _, p := range list {
			if p.cps == "" {
				return string(p.id) + " has another, none or several"
			}
		}
		return ""
	},
}

// policy is a PolicyInformation. cps is empty unless its only qualifier is one
// address.
type policy struct {
	id  certs.OID
	cps string
}

// policies reads certificatePolicies; nil if there are none, or not well formed.
func (v *view) policies() []policy {
	e := v.ext(idPolicies)
	if e == nil {
		return nil
	}
	s := cryptobyte.String(e.value)
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() {
		return nil
	}
	var out []policy
	for !list.Empty() {
		var info, qualifiers, one, text cryptobyte.String
		var p policy
		var ok bool
		if !list.ReadASN1(&info, asn1.SEQUENCE) {
			return nil
		}
		if p.id, ok = certs.ReadOID(&info); !ok {
			return nil
		}
		if info.ReadASN1(&qualifiers, asn1.SEQUENCE) && info.Empty() && qualifiers.ReadASN1(&one, asn1.SEQUENCE) && qualifiers.Empty() {
			if id, ok := certs.ReadOID(&one); ok && id == certs.OIDQualifierCPS && one.ReadASN1(&text, asn1.IA5String) && one.Empty() {
				p.cps = string(text)
			}
		}
		out = append(out, p)
	}
	return out
}
