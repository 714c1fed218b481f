package ofd

import (
	"bytes"
	"testing"
	"time"
)

// theTime of the stamps in these tests.
var theTime = time.Date(2026, 11, 26, 5, 0, 1, 0, time.UTC)

func order(spots ...Spot) Options {
	return Options{Spots: spots, WidthMM: 40, HeightMM: 40, Columns: 400, Seal: []byte("a seal"), Time: theTime}
}

func TestX(t *testing.T) {
	for _, name := range allSamples {
		b := sample(t, name)
		p := open(t, b)
		d, err := p.Document()
		if err != nil {
			t.Error(name, err)
			continue
		}
		w, h, err := d.PageSize(1)
		t.Log(name, d.PageCount(), w, h, err)
		l, err := d.Layout(order(Spot{Page: 1, X: 10, Y: 10}))
		if err != nil {
			t.Log(name, err)
			continue
		}
		var out bytes.Buffer
		n, err := l.WriteTo(&out, []byte("token"))
		t.Log(n, err, n == l.Size(5), n == int64(out.Len()))
		q := open(t, out.Bytes())
		all, err := q.Stamps()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			t.Logf("%+v %v", s.Path, s.Problems)
			t.Log(s.Altered, s.Weak, s.Uncovered, s.Idle, s.Unnamed, s.Removed, s.Whole, s.Later)
		}
		x, _ := q.Read(all[len(all)-1].Path[1:])
		t.Log(string(x))
	}
}
