package tsa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"net/url"
	"time"

	"yinxin/certs"
)

// ErrOutside: the time-stamp authority elsewhere gave no token that can be used.
// Nothing is stamped then: another clock in its place, unasked, would not be what
// the province decided on.
var ErrOutside = errors.New("the outside time-stamp authority gave no time-stamp")

const (
	// MediaQuery and MediaReply are RFC 3161 3.4.
	MediaQuery = "application/timestamp-query"
	MediaReply = "application/timestamp-reply"

	// maxReply: a token with a chain of three takes 4 KB.
	maxReply = 64 << 10
	// outsideTimeout is how long a stamp waits for an authority that hangs.
	outsideTimeout = 10 * time.Second
	// outsideDrift is how far its clock may be from ours. One of the two is wrong then,
	// and a stamp must not be made before that is settled.
	outsideDrift = time.Minute
)

// OutsideConfig of NewOutside. Accept is asked whether the token's signer is trusted.
type OutsideConfig struct {
	URL       string
	Transport http.RoundTripper // nil for the standard one
	Accept    func(ctx context.Context, ts *certs.TimeStamp) error
	Clock     func() time.Time
	Rand      io.Reader
}

// Outside is a time-stamp authority elsewhere, spoken to by RFC 3161 over HTTP. It
// can stand where an Authority does.
type Outside struct {
	c      OutsideConfig
	client *http.Client
}

// NewOutside checks the configuration; it asks nobody yet.
func NewOutside(c OutsideConfig) (*Outside, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("tsa: %q is no address such as https://tsa.example.cn/tsa", c.URL)
	}
	if c.Accept == nil || c.Clock == nil || c.Rand == nil {
		return nil, errors.New("tsa: incomplete configuration")
	}
	// An answer that leads elsewhere is not followed: the address is configured.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Outside{c, &http.Client{Transport: c.Transport, Timeout: outsideTimeout, CheckRedirect: stay}}, nil
}

// Stamp asks for a token over a SM3 imprint and checks it: signature, imprint,
// nonce, time, signer.
func (o *Outside) Stamp(ctx context.Context, imprint [32]byte) (token []byte, genTime time.Time, err error) {
	token, genTime, err = o.stamp(ctx, imprint)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%w: %w", ErrOutside, err)
	}
	return token, genTime, nil
}

func (o *Outside) stamp(ctx context.Context, imprint [32]byte) ([]byte, time.Time, error) {
	var nonce [8]byte
	if _, err := io.ReadFull(o.c.Rand, nonce[:]); err != nil {
		return nil, time.Time{}, err
	}
	nonce[0] = nonce[0]&0x7f | 0x40 // of one length, so that queries are
	q := Query{Hash: certs.OIDSM3, Imprint: imprint[:], Nonce: new(big.Int).SetBytes(nonce[:]), Certificates: true}
	query, err := q.Marshal()
	if err != nil {
		return nil, time.Time{}, err
	}
	reply, err := o.post(ctx, query)
	if err != nil {
		return nil, time.Time{}, err
	}
	token, err := parseReply(reply)
	if err != nil {
		return nil, time.Time{}, err
	}
	ts, err := certs.ParseTimeStamp(token)
	if err != nil {
		return nil, time.Time{}, err
	}
	return token, ts.GenTime, o.check(ctx, ts, &q)
}

func (o *Outside) check(ctx context.Context, ts *certs.TimeStamp, q *Query) error {
	off := ts.GenTime.Sub(o.c.Clock()).Abs()
	switch {
	case !bytes.Equal(ts.Imprint, q.Imprint):
		return errors.New("its token is over something else")
	case ts.Nonce == nil || ts.Nonce.Cmp(q.Nonce) != 0:
		return errors.New("its token is not the answer to this query: the nonce differs")
	case off > outsideDrift:
		return fmt.Errorf("its clock and ours are %s apart", off.Round(time.Second))
	}
	return o.c.Accept(ctx, ts)
}

func (o *Outside) post(ctx context.Context, query []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.c.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", MediaQuery)
	req.Header.Set("Accept", MediaReply)
	resp, err := o.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers with status %d", resp.StatusCode)
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != MediaReply {
		return nil, fmt.Errorf("its answer is not of type %s", MediaReply)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err == nil && len(b) > maxReply {
		err = fmt.Errorf("its answer is longer than %d octets", maxReply)
	}
	return b, err
}
