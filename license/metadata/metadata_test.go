package metadata

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/license/identifier"
)

const (
	typeCode  = "11520000MB1A00001X001"
	authority = "11520000MB1A00001X"
)

func example(t testing.TB) Document {
	t.Helper()
	i, err := identifier.New(typeCode, authority, "0123456789ABCDEFGHIJ", "001")
	if err != nil {
		t.Fatal(err)
	}
	return Document{
		Licence: Licence{
			Identifier: i.String(), Name: "食品经营许可证", Number: "JY15201150000001", TypeCode: typeCode, Authority: "贵州省示例局", AuthorityCode: authority,
			Issued: "2026-11-24", Holder: "贵阳示例食品有限公司", HolderCode: "91520115MA6EXAMPL0", HolderType: HolderUSCC, From: "2026-11-24", To: "2031-11-23",
			Extensions: map[string]string{"KZ_JYXM": "热食类食品制售"},
		},
		Status: Place{Region: "520000", Shard: 3, Position: 77},
	}
}

func TestWrittenAndRead(t *testing.T) {
	want := example(t)
	b, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b)
	if err != nil || !Is(b) {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRefused(t *testing.T) {
	good, err := example(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no holder":             {`"certificateHolderName": "贵阳示例食品有限公司",`, ``},
		"another type":          {`"certificateTypeCode": "11520000MB1A00001X001"`, `"certificateTypeCode": "11520000MB1A00001X002"`},
		"another authority":     {`"certificateIssuingAuthorityCode": "11520000MB1A00001X"`, `"certificateIssuingAuthorityCode": "11520000MB1A00002X"`},
		"check character":       {`.001.`, `.002.`},
		"ends before it begins": {`2031-11-23`, `2021-11-23`},
		"no date":               {`2031-11-23`, `2031-13-23`},
		"unknown field":         {`KZ_JYXM`, `certificateholdername`},
		"number for text":       {`"JY15201150000001"`, `15201150000001`},
		"null for text":         {`"certificateExpiringDate": "2031-11-23"`, `"certificateExpiringDate": 7`},
		"negative position":     {`"position": 77`, `"position": -1`},
		"position too large":    {`"position": 77`, `"position": 4294967296`},
		"no region":             {`"region": "520000"`, `"region": ""`},
		"more in status":        {`"shard": 3`, `"shard": 3, "Shard": 4`},
		"control":               {`食品经营许可证`, `食品\u0000`},
		"another member":        {`"schema"`, `"note": "x", "schema"`},
		"no licence":            {`"licence": {`, `"Licence": {`},
	} {
		bad := strings.Replace(string(good), change[0], change[1], 1)
		if bad == string(good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := Parse([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A document is a licence only by its own exact word for it.
func TestIs(t *testing.T) {
	for doc, want := range map[string]bool{
		`{"schema":"yinxin:licence:1"}`: true, `{"Schema":"yinxin:licence:1"}`: false, `{"schema":"yinxin:licence:2"}`: false,
		`{"schema":1}`: false, `{}`: false, `[]`: false, `{"a":{"schema":"yinxin:licence:1"}}`: false,
	} {
		if Is([]byte(doc)) != want {
			t.Errorf("%s: %v", doc, !want)
		}
	}
}

// The last day counts to its end, in China's time.
func TestTerm(t *testing.T) {
	l := Licence{From: "2026-11-24", To: "2026-11-24"}
	from, to := l.Term()
	if want := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC); !from.Equal(want) || !to.Equal(want.Add(24*time.Hour)) {
		t.Error(from, to)
	}
	l.To = ""
	if _, to := l.Term(); !to.IsZero() {
		t.Error(to)
	}
}

func TestMask(t *testing.T) {
	for _, c := range [][3]string{
		{"张三", HolderResident, "张*"}, {"欧阳明月", HolderResident, "欧***"}, {"张", HolderResident, "*"}, {"", HolderResident, ""},
		{"贵阳示例食品有限公司", HolderUSCC, "贵阳****有限公司"}, {"示例公司", HolderUSCC, "示***"}, {"贵阳示例公司", HolderUSCC, "贵阳****"},
		{strings.Repeat("长", 50) + "有限公司", HolderUSCC, "长长******有限公司"},
	} {
		if got := Mask(c[0], c[1]); got != c[2] {
			t.Errorf("%s: %s, want %s", c[0], got, c[2])
		}
	}
}

func FuzzParse(f *testing.F) {
	b, err := example(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema":"yinxin:licence:1","licence":{},"status":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		again, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if second, err := Parse(again); err != nil || !cmp.Equal(d, second) {
			t.Fatalf("%v %v", err, cmp.Diff(d, second))
		}
	})
}
