package evidence

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"yinxin/verify"
)

func TestSavedEvidenceLoadsAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "evidence.zip")
	saved := &verify.Evidence{Items: []verify.Item{verify.NewItem(verify.KindCRL, []byte{0x30, 0}), verify.NewItem(verify.KindSealStatus, []byte("{}")), verify.NewItem(verify.KindSealList, nil)}}
	if err := Save(path, saved); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil || len(loaded.Items) != len(saved.Items) {
		t.Fatal(loaded, err)
	}
	for i, item := range loaded.Items {
		if item.Kind != saved.Items[i].Kind || !bytes.Equal(item.Raw, saved.Items[i].Raw) {
			t.Errorf("item %d: %s %q", i, item.Kind, item.Raw)
		}
	}
	// As many as a judgement looks at can be kept and read again.
	many := &verify.Evidence{}
	for i := range verify.MaxEvidence {
		many.Items = append(many.Items, verify.NewItem(verify.KindSealStatus, fmt.Append(nil, i)))
	}
	if err := Save(path, many); err != nil {
		t.Fatal(err)
	}
	if loaded, err := Load(path); err != nil || len(loaded.Items) != verify.MaxEvidence {
		t.Fatal(err)
	}
	many.Items = append(many.Items, many.Items[0])
	if err := Save(path, many); err == nil {
		t.Error("a file was written that cannot be read")
	}
}

func zipOf(t *testing.T, n int, name string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range n {
		w, err := z.Create(fmt.Sprint(i, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHostileEvidenceFiles are refused before they cost memory.
func TestHostileEvidenceFiles(t *testing.T) {
	good := zipOf(t, 3, ".crl", 10)
	elsewhere := bytes.Clone(good)
	binary.LittleEndian.PutUint32(elsewhere[len(elsewhere)-6:], 0)
	// A directory of 300,000 entries (60 MB once read), of which the end record tells a thousand.
	entry := append([]byte("PK\x01\x02"), make([]byte, 42)...)
	directory := bytes.Repeat(entry, 300_000)
	end := append([]byte("PK\x05\x06"), make([]byte, 18)...)
	binary.LittleEndian.PutUint16(end[10:], 1000)
	binary.LittleEndian.PutUint32(end[12:], uint32(len(directory)))
	const each, all = 1 << 20, 4 << 20
	for name, b := range map[string][]byte{
		"empty": {}, "text": []byte("evidence"), "cut": good[:len(good)-1], "comment": append(bytes.Clone(good), "x"...), "elsewhere": elsewhere,
		"no kind": zipOf(t, 1, "", 1), "too many": zipOf(t, verify.MaxEvidence+1, ".crl", 1),
		"bomb": zipOf(t, 1, ".crl", 32<<20), "bombs": zipOf(t, 32, ".crl", each), "directory": append(directory, end...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parse(b, all, each)
		runtime.ReadMemStats(&after)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		// io.ReadAll grows by a quarter at a time: five times in all.
		if took := after.TotalAlloc - before.TotalAlloc; took > 6*all {
			t.Errorf("%s: takes %d octets", name, took)
		}
	}
	path := filepath.Join(t.TempDir(), "long.zip")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("a file without end was read")
	}
}
