package certs

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// inSubtree tells whether a name lies in a subtree. A form that is not
// processed, or a name that cannot be read as its form, is an error, so that
// neither a permitted nor an excluded subtree is taken to be kept (RFC 5280
// 4.2.1.10).
func inSubtree(name, base GeneralName, excluded bool) (bool, error) {
	switch name.Form {
	case FormDirectory:
		in := name.Directory.within(base.Directory)
		if excluded && !in && (name.Directory.opaque() || base.Directory.opaque()) {
			return false, fmt.Errorf("%s cannot be compared", name)
		}
		return in, nil
	case FormDNS:
		return inDomain(string(name.Value), string(base.Value), excluded)
	case FormEmail:
		return inMailDomain(string(name.Value), string(base.Value))
	case FormURI:
		host, err := uriHost(string(name.Value))
		return err == nil && hostMatches(host, string(base.Value)), err
	case FormIP:
		return inNetwork(name.Value, base.Value)
	}
	return false, fmt.Errorf("%s cannot be judged", name)
}

// inDomain: a host is in its own domain and in each that is left when labels
// are taken from its front. A wildcard may stand for any host under it, so an
// excluded domain beneath it excludes it too.
func inDomain(host, domain string, excluded bool) (bool, error) {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	rest, wild := strings.CutPrefix(host, "*.")
	if !isHost(rest) {
		return false, fmt.Errorf("%q is no host", host)
	}
	if domain == "" || host == domain {
		return true, nil
	}
	if !strings.HasPrefix(domain, ".") {
		domain = "." + domain
	}
	if strings.HasSuffix(host, domain) {
		return true, nil
	}
	return wild && excluded && strings.HasSuffix(domain, "."+rest), nil
}

// isHost wants labels of letters, digits, hyphens and underscores.
func isHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
				return false
			}
		}
	}
	return true
}

// inMailDomain: a constraint is one mailbox, one host, or, with a dot before
// it, every host in a domain.
func inMailDomain(address, base string) (bool, error) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || !isHost(address[at+1:]) {
		return false, fmt.Errorf("%q is no address", address)
	}
	if i := strings.LastIndexByte(base, '@'); i >= 0 {
		return address[:at] == base[:i] && strings.EqualFold(address[at+1:], base[i+1:]), nil
	}
	return hostMatches(address[at+1:], base), nil
}

// hostMatches is the rule of rfc822Name and URI: a host alone is that host.
func hostMatches(host, base string) bool {
	host, base = strings.ToLower(host), strings.ToLower(base)
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(host, base) && len(host) > len(base)
	}
	return base == "" || host == base
}

// uriHost gives the host; one without, or with an address for it, cannot be
// judged (RFC 5280 4.2.1.10).
func uriHost(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || !isHost(u.Hostname()) {
		return "", fmt.Errorf("%q has no host", s)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return "", fmt.Errorf("%q has an address for a host", s)
	}
	return u.Hostname(), nil
}

// inNetwork compares an address with an address and a mask; those of another
// family are not in it.
func inNetwork(address, network []byte) (bool, error) {
	if len(address) != 4 && len(address) != 16 {
		return false, fmt.Errorf("%x is no address", address)
	}
	if len(network) != 2*len(address) {
		return false, nil
	}
	for i, b := range address {
		if (b^network[i])&network[len(address)+i] != 0 {
			return false, nil
		}
	}
	return true, nil
}
