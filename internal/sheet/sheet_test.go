package sheet

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type pair struct {
	A string `json:"a"`
	B string `json:"b"`
}

var columns = Columns[pair]{Header: []string{"a", "b"}, Cells: func(p pair) []string { return []string{p.A, p.B} }}

func write(t *testing.T, o Options, rows ...pair) string {
	t.Helper()
	var b bytes.Buffer
	s, err := New(&b, columns, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := s.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(); err != nil || s.Rows() != len(rows) {
		t.Fatal(err, s.Rows())
	}
	return b.String()
}

func TestNoCellIsAFormula(t *testing.T) {
	for _, evil := range []string{"=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "="} {
		out := write(t, Options{Format: CSV}, pair{evil, "good"})
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) != 2 || !strings.HasPrefix(rows[1][0], "'") || rows[1][1] != "good" {
			t.Errorf("%q: %v %v", evil, rows, err)
		}
	}
	for _, good := range []string{"", "a=1", "贵州省", "5-1", " =1"} {
		rows, err := csv.NewReader(strings.NewReader(write(t, Options{Format: CSV}, pair{good, "x"}))).ReadAll()
		if err != nil || rows[1][0] != good {
			t.Errorf("%q: %v %v", good, rows, err)
		}
	}
}

func TestFormats(t *testing.T) {
	rows := []pair{{"1", "说\"明\"\n第二行"}, {"2", "a,b"}}
	if got, want := write(t, Options{Format: CSV, BOM: true}, rows...), "\ufeffa,b\r\n1,\"说\"\"明\"\"\r\n第二行\"\r\n2,\"a,b\"\r\n"; got != want {
		t.Errorf("%q", got)
	}
	var back []pair
	if err := json.Unmarshal([]byte(write(t, Options{Format: JSON}, rows...)), &back); err != nil || !cmp.Equal(back, rows) {
		t.Error(err, cmp.Diff(rows, back))
	}
	lines := strings.Split(strings.TrimSuffix(write(t, Options{Format: Lines}, rows...), "\n"), "\n")
	for i, line := range lines {
		var one pair
		if err := json.Unmarshal([]byte(line), &one); err != nil || one != rows[i] {
			t.Errorf("%q: %v", line, err)
		}
	}
	for _, f := range []Format{JSON, Lines, CSV} {
		empty := write(t, Options{Format: f})
		if want := map[Format]string{JSON: "[\n]\n", Lines: "", CSV: "a,b\r\n"}[f]; empty != want {
			t.Errorf("an empty list in %s: %q", f, empty)
		}
	}
	if _, err := New(io.Discard, columns, Options{Format: "xml"}); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// A disk that is full is told at the latest at the end.
func TestWhatIsNotWrittenIsTold(t *testing.T) {
	for _, f := range []Format{CSV, JSON, Lines} {
		s, err := New(full{}, columns, Options{Format: f})
		for range 10_000 {
			err = errors.Join(err, s.Put(pair{"a", "b"}))
		}
		if err = errors.Join(err, s.End()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v", f, err)
		}
	}
}
