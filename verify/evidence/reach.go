package evidence

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"
)

// errNotReached: the address is none that another region answers at.
var errNotReached = errors.New("the address leads to this machine or its own link")

// reach makes the connections of a Collector. Addresses come from trusted lists and
// certificates, whose makers are trusted to say who they are, and not to have a server
// ask its own neighbours: what is reachable by this machine alone, such as the
// credentials that a cloud gives out at 169.254.169.254, is not asked. It is the
// address that a name came to be which counts, at each connection, so that a name that
// changes gets nowhere else. Private networks are let through: governments' are.
func reach(here bool) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if proxied() { // which has rules of its own, and may stand here
		return t
	}
	dial := net.Dialer{Timeout: questionTime, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !far(to.Addr().Unmap().WithZone(""), here) {
			return errNotReached
		}
		return nil
	}}
	t.DialContext = dial.DialContext
	t.MaxIdleConns, t.IdleConnTimeout = maxAtOnce, 30*time.Second // a Collector lives for a minute
	return t
}

// far tells whether an address may be asked; here lets loopback through.
func far(a netip.Addr, here bool) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast() && (here || !a.IsLoopback())
}

func proxied() bool {
	return slices.ContainsFunc([]string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"}, func(name string) bool { return os.Getenv(name) != "" })
}
