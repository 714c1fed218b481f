package server

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"yinxin/verify"
)

// Packages of the field are judged over HTTP, under whatever media type they come.
func TestOFDIsJudged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, want := range map[string]verify.Verdict{"v4signed.ofd": verify.CannotConfirm, "tampered.ofd": verify.NotValid, "helloworld.ofd": verify.None} {
		b, err := os.ReadFile(filepath.Join("../../seal/ofd/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, mt := range []string{"application/ofd", "application/octet-stream"} {
			var r verify.Report
			h.call(t, post, "/api/v1/verify", bytes.NewReader(b), media(mt)).want(t, http.StatusOK, &r)
			if r.Format != "ofd" || r.Verdict != want {
				t.Errorf("%s as %s: %s, %s", name, mt, r.Format, r.Verdict)
			}
		}
	}
}
