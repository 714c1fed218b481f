package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"yinxin/internal/testlong"
)

// An object that is only walked over is refused where one that is read would
// be, and ends where it would.
func TestSkimAgreesWithParse(t *testing.T) {
	var bodies [][]byte
	for _, n := range sealable(t) {
		b := sample(t, n)
		f := open(t, b)
		for i, e := range f.index {
			if e.kind == entryInFile && i%3 == 0 {
				bodies = append(bodies, b[e.off:min(e.off+2000, int64(len(b)))])
			}
		}
	}
	bodies = append(bodies, []byte("1 0 obj\n<</A<</B(a\\)b\\\\)/C<41 4>/D[1 0 R +.5 -.0 4. 1 2 R 99999999 0 R]/#41B true>>/E null>>\nendobj "),
		[]byte("1 0 obj\n<<"+strings.Repeat("/K0 1/K1 2/K2 3/K3 4/K4 5/K5 6", 1)+"/L0 1/L1 2/L2 3/L3 4/L4 5/L5 6/M0 1/M1 1/M2 1/M3 1/M4 1/M5 1/M6 1>>\nendobj "))
	rnd := rand.New(rand.NewPCG(7, 7))
	for i := range testlong.Count(20000, 400000) {
		m := bodies[rnd.IntN(len(bodies))]
		if i >= len(bodies) {
			m = mutate(rnd, m)
		}
		var o object
		whole := parser{b: m, last: true, refs: true}
		wantErr := whole.indirect(&o)
		skimmed := parser{b: m, last: true, refs: true}
		stream, err := skimmed.skimIndirect()
		if o.kind == kNull && wantErr != nil && err == nil && bytes.Contains(m, []byte("endobj")) {
			continue // an object of nothing, or a reference that no reader follows
		}
		if (err == nil) != (wantErr == nil) || err == nil && (stream != o.stream || skimmed.pos != whole.pos) {
			t.Fatalf("%q:\nread: %v, %d\nwalked over: %v, %d", m, wantErr, whole.pos, err, skimmed.pos)
		}
	}
}

func (p *parser) skimIndirect() (bool, error) {
	for range 2 {
		if _, err := p.natural(); err != nil {
			return false, err
		}
	}
	if err := p.keyword("obj"); err != nil {
		return false, err
	}
	return p.skimBody()
}

// What only other readers read must be readable in one way, too: they show it.
func TestUnreadObjects(t *testing.T) {
	page := func(objects ...string) []byte {
		var b bytes.Buffer
		b.WriteString("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" +
			"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>\nendobj\n" +
			"3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources 5 0 R >>\nendobj\n")
		for i, o := range objects {
			fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+4, o)
		}
		return rebuild(t, b.Bytes())
	}
	content, resources := text("/A Do"), "<< /XObject << /A 4 0 R >> >>"
	var keys strings.Builder
	for i := range 40 {
		fmt.Fprintf(&keys, "/K%d 0 ", i)
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"as it should be":             {page(content, resources), nil},
		"a length in another object":  {page("<< /Length 6 0 R >>\nstream\nq Q\nendstream", resources, "3"), nil},
		"an object of nothing":        {page(content, resources, ""), nil},
		"two pictures of one name":    {page(content, "<< /XObject << /A 4 0 R /A 6 0 R >> >>", content), ErrAmbiguous},
		"one of them escaped":         {page(content, "<< /XObject << /A 4 0 R /#41 6 0 R >> >>", content), ErrAmbiguous},
		"among many":                  {page(content, "<< "+keys.String()+"/K7 1 >>"), ErrAmbiguous},
		"many, once each":             {page(content, "<< "+keys.String()+">>"), nil},
		"two lengths":                 {page("<< /Length 3 /Length 9 >>\nstream\nq Q\nendstream", resources), ErrAmbiguous},
		"a length too short":          {page("<< /Length 3 >>\nstream\nq Q BT ET\nendstream", resources), ErrMalformed},
		"a length too long":           {page("<< /Length 30 >>\nstream\nq Q\nendstream", resources), ErrMalformed},
		"a length beyond the file":    {page("<< /Length 99999999 >>\nstream\nq Q\nendstream", resources), ErrMalformed},
		"no length":                   {page("<< >>\nstream\nq Q\nendstream", resources), ErrMalformed},
		"a length that is a real":     {page("<< /Length 3.0 >>\nstream\nq Q\nendstream", resources), ErrMalformed},
		"data behind a lone CR":       {page("<< /Length 3 >>\nstream\rq Q\nendstream", resources), ErrAmbiguous},
		"no endobj":                   {page(content, resources+" 7"), ErrMalformed},
		"a bracket left open":         {page(content, "<< /XObject [ 4 0 R >>"), ErrMalformed},
		"a word that PDF has not":     {page(content, "<< /XObject yes >>"), ErrMalformed},
		"an end inside a string":      {page(content, "<< /XObject (\nendobj\n"), ErrMalformed},
		"a stream that is no dict":    {page("[3]\nstream\nq Q\nendstream", resources), ErrMalformed},
		"nested until the stack ends": {page(content, strings.Repeat("[", 100000)), ErrMalformed},
	} {
		if _, err := Open(bytes.NewReader(c.b), int64(len(c.b))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The same in an object stream.
func TestUnreadCompressedObjects(t *testing.T) {
	for name, c := range map[string]struct {
		object string
		want   error
	}{
		"as it should be":   {"<< /A 1 /B [2 (x)] >>", nil},
		"a number":          {"5", nil},
		"a key twice":       {"<< /A 1 /A 2 >>", ErrAmbiguous},
		"a bracket left":    {"<< /A [ 1 >>", ErrMalformed},
		"nothing":           {" ", ErrMalformed},
		"a string unclosed": {"(x", ErrMalformed},
	} {
		data := "6 0 " + c.object
		b := compressed(t, fmt.Sprintf("/N 1 /First 4 /Length %d", len(data)), data)
		if _, err := Open(bytes.NewReader(b), int64(len(b))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
