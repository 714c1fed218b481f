package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"yinxin/certs"
	"yinxin/verify"
)

const (
	mediaRequest = "application/ocsp-request"
	// maxByGet is RFC 5019 5: a longer address does not reach every cache.
	maxByGet = 255
	// nonceLength is RFC 9654 2.1: what a client is to send.
	nonceLength = 32
)

var errNotSaid = errors.New("the responder does not say what was asked")

// askOCSP asks a responder: by GET for what caches on the way may hold (RFC 5019)
// and, where that is older than the moment in question, by POST for an answer as of
// now.
func (c *Collector) askOCSP(ctx context.Context, u *url.URL, w verify.Want, since time.Time) (verify.Item, error) {
	address := strings.TrimRight(u.String(), "/") + "/" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(w.Request)))
	if len(address) <= maxByGet {
		item, err := c.spoken(ctx, u.Host, func() (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		})
		if asOf, _ := item.AsOf(); err == nil && !asOf.Before(since) {
			return item, nil
		}
	}
	request, nonce, err := withNonce(w.Request)
	if err != nil {
		return verify.Item{}, err
	}
	item, err := c.spoken(ctx, u.Host, func() (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(request))
		if err == nil {
			r.Header.Set("Content-Type", mediaRequest)
		}
		return r, err
	})
	// RFC 9654 2.1 leaves a responder free to send none; another's was not made for us.
	if said := item.Nonce(); err == nil && said != "" && said != string(nonce) {
		err = errNotSaid
	}
	return item, err
}

// withNonce asks the same anew, so that no answer of before does for it.
func withNonce(request string) (der, nonce []byte, err error) {
	plain, err := certs.ParseOCSPRequest([]byte(request))
	if err != nil {
		return nil, nil, err
	}
	nonce = make([]byte, nonceLength)
	// crypto/rand.Read never fails since Go 1.24.
	rand.Read(nonce)
	der, err = certs.BuildOCSPRequest(plain.IDs[0], nonce)
	return der, nonce, err
}

// spoken sends one question; an error of the responder's is no answer.
func (c *Collector) spoken(ctx context.Context, host string, question func() (*http.Request, error)) (verify.Item, error) {
	r, err := question()
	if err != nil {
		return verify.Item{}, err
	}
	raw, err := c.send(ctx, host, r)
	if err != nil {
		return verify.Item{}, err
	}
	item := verify.NewItem(verify.KindOCSP, raw)
	if asOf, _ := item.AsOf(); asOf.IsZero() {
		return verify.Item{}, errNotSaid
	}
	return item, nil
}
