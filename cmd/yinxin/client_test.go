package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
	"time"
)

// client is an agency's program.
type client struct {
	http.Client
	url, key string
}

func (o *office) client(p *process) *client {
	return &client{http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}, p.url, o.key}
}

// order is a stamp to be asked for; its matter names it in the register.
type order struct {
	seal, matter, retry string // retry: the Idempotency-Key, "" for none
	pdf                 bool
}

// answer is what came of an order.
type answer struct {
	status int
	id     string
	body   []byte
}

// stamp sends an order; the error is that of a connection that broke.
func (c *client) stamp(o order) (answer, error) {
	form := map[string]any{"sealId": o.seal, "operator": "张三", "matterCode": o.matter}
	var body bytes.Buffer
	media, accept := "application/json", "application/json"
	if o.pdf {
		w := multipart.NewWriter(&body)
		media, accept = w.FormDataContentType(), "application/pdf"
		if err := writeParts(w, form, bytes.NewReader(decisionPDF)); err != nil {
			return answer{}, err
		}
	} else {
		form["document"] = json.RawMessage(decisionJSON)
		if err := json.NewEncoder(&body).Encode(form); err != nil {
			return answer{}, err
		}
	}
	req, err := http.NewRequest(http.MethodPost, c.url+"/api/v1/stamps", &body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", media)
	req.Header.Set("Accept", accept)
	if o.retry != "" {
		req.Header.Set("Idempotency-Key", o.retry)
	}
	return c.answer(req)
}

func writeParts(w *multipart.Writer, form any, doc io.Reader) error {
	part, err := w.CreateFormField("request")
	if err == nil {
		err = json.NewEncoder(part).Encode(form)
	}
	if err == nil {
		part, err = w.CreateFormFile("document", "decision.pdf")
	}
	if err == nil {
		_, err = io.Copy(part, doc)
	}
	if err == nil {
		err = w.Close()
	}
	return err
}

func (c *client) answer(req *http.Request) (answer, error) {
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header.Get("Yinxin-Stamp-Id"), b}, err
}

// get reads a JSON answer, which must be there.
func (c *client) get(t *testing.T, path string, into any) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, c.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	a, err := c.answer(req)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("%d %s", a.status, a.body)
	}
	if err == nil {
		err = json.Unmarshal(a.body, into)
	}
	if err != nil {
		t.Fatal(path, err)
	}
}

// entry of the seal-use register.
type entry struct{ StampID, MatterCode string }

// register reads the whole seal-use register, page by page.
func (c *client) register(t *testing.T) []entry {
	t.Helper()
	var all []entry
	for cursor := ""; ; {
		var page struct {
			Items []entry
			Next  string
		}
		c.get(t, "/api/v1/stamps?limit=500&cursor="+cursor, &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}
