package evidence

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
)

func TestWhatIsFar(t *testing.T) {
	for address, want := range map[string]struct{ tool, server bool }{
		"192.0.2.1": {true, true}, "10.1.2.3": {true, true}, "2001:db8::1": {true, true}, "fd00::1": {true, true},
		"127.0.0.1": {true, false}, "127.8.8.8": {true, false}, "::1": {true, false},
		"169.254.169.254": {}, "fe80::1": {}, "0.0.0.0": {}, "::": {}, "224.0.0.1": {}, "ff02::1": {},
	} {
		a := netip.MustParseAddr(address)
		if far(a, true) != want.tool || far(a, false) != want.server {
			t.Errorf("%s: %t %t", address, far(a, true), far(a, false))
		}
	}
	if far(netip.Addr{}, true) {
		t.Error("no address is far")
	}
}

// TestAServerAsksNothingAtItsOwnMachine, by whatever name or spelling, and a tool of
// a person's does.
func TestAServerAsksNothingAtItsOwnMachine(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, "")
	}
	var asked atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Write([]byte("good"))
	})
	port := netip.MustParseAddrPort(url[len("http://"):]).Port()
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		address := "http://" + host + ":" + fmt.Sprint(port) + "/crl"
		if got := collect(t, NewServerCollector(), crlAt(address)); len(got) != 0 {
			t.Errorf("%s is asked", address)
		}
		if _, err := NewServerCollector().Fetch(t.Context(), address); !errors.Is(err, errNotReached) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked.Load() != 0 {
		t.Error("the server was asked")
	}
	if got := collect(t, NewCollector(), crlAt(url)); len(got) != 1 {
		t.Error("a tool cannot ask its own machine")
	}
}
