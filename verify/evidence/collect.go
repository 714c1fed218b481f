// Package evidence collects what the engine wants to know beside a file: CRLs
// and seal statuses, asked for over HTTP where the trust list and trusted
// certificates say. Collect fills an Evidence, Save and Load keep it in a zip,
// Remember and Remembered keep the highest sequence of trust lists seen.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"yinxin/verify"
)

// Limits of collecting, against an address that answers slowly or for ever.
const (
	timeout      = 10 * time.Second
	maxAnswer    = 16 << 20
	maxQuestions = 64
	maxRedirects = 3
)

// Collect asks for what is wanted and adds what comes. What does not come is
// left out: the report then says that it is not known.
func Collect(ctx context.Context, wants []verify.Want, into *verify.Evidence) {
	client := &http.Client{Timeout: timeout, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects || !web(r.URL) {
			return errors.New("redirected too far")
		}
		return nil
	}}
	if len(wants) > maxQuestions {
		wants = wants[:maxQuestions]
	}
	for _, w := range wants {
		if b, err := get(ctx, client, w.URL); err == nil {
			into.Items = append(into.Items, verify.Item{Kind: w.Kind, Raw: b})
		}
	}
}

func web(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

func get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || !web(u) {
		return nil, fmt.Errorf("%q cannot be asked", address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", u.Host, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(b) > maxAnswer {
		err = errors.New("the answer is too long")
	}
	return b, err
}
