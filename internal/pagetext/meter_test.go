package pagetext

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"
)

// countdown is a module whose exported function turns a loop as often as it is told:
// (func (export "FPDF_x") (param i32) (result i32)
//
//	loop  local.get 0  i32.const 1  i32.sub  local.tee 0  br_if 0  end  local.get 0)
func countdown(name string) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x06\x01\x60\x01\x7f\x01\x7f" + // a type
		"\x03\x02\x01\x00" + // a function of it
		"\x06\x06\x01\x7f\x01\x41\x00\x0b") // a variable
	b = append(b, 7, byte(4+len(name)), 1, byte(len(name)))
	b = append(append(b, name...), 0, 0)
	return append(b, "\x0a\x12\x01\x10\x00\x03\x40\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b\x20\x00\x0b"...)
}

func thousand(export string) (int64, bool) { return 1000, export == "FPDF_x" }

// A call from outside has so many turns and no more, and the next has them again.
func TestTurnsAreCounted(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	module, err := metered(countdown("FPDF_x"), thousand)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		turns uint64
		ok    bool
	}{{1, true}, {1000, true}, {1000, true}, {1001, false}, {1_000_000, false}, {1000, true}} {
		if _, err := m.ExportedFunction("FPDF_x").Call(ctx, c.turns); (err == nil) != c.ok {
			t.Errorf("%d turns: %v", c.turns, err)
		}
	}
}

// A function that is called from within only, such as malloc, gives no turns.
func TestOnlyCallsFromOutsideBeginAnew(t *testing.T) {
	if _, err := metered(countdown("malloc"), thousand); !errors.Is(err, errModule) {
		t.Error("a module that nobody calls:", err)
	}
}

// What the library brings can be metered, runs (see the other tests), and is larger by
// its counting alone.
func TestTheShippedModuleIsMetered(t *testing.T) {
	out, err := metered(shipped, turnsOf)
	if err != nil {
		t.Fatal(err)
	}
	if grown := len(out) - len(shipped); grown < 100_000 || grown > len(shipped)/4 {
		t.Errorf("%d octets became %d", len(shipped), len(out))
	}
}

func TestModulesThatAreNone(t *testing.T) {
	good := countdown("FPDF_x")
	for i := range good {
		if _, err := metered(good[:i], thousand); err == nil {
			t.Errorf("%d octets of %d are taken for a module", i, len(good))
		}
	}
	for name, b := range map[string][]byte{
		"nothing":                nil,
		"another version":        append([]byte("\x00asm\x02\x00\x00\x00"), good[8:]...),
		"an unknown instruction": bytes.Replace(good, []byte{0x41, 0x01, 0x6b}, []byte{0xff, 0x01, 0x6b}, 1),
		"an atomic one":          bytes.Replace(good, []byte{0x41, 0x01, 0x6b}, []byte{0xfe, 0x01, 0x6b}, 1),
		"a number without end":   append(good[:8:8], bytes.Repeat([]byte{0x80}, 20)...),
	} {
		if out, err := metered(b, thousand); !errors.Is(err, errModule) {
			t.Errorf("%s: %d octets, %v", name, len(out), err)
		}
	}
}

// FuzzMetered: whatever runs before it is metered runs after.
func FuzzMetered(f *testing.F) {
	f.Add(countdown("FPDF_x"))
	f.Add(countdown("malloc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := metered(b, thousand)
		if err != nil {
			return
		}
		ctx := context.Background()
		r := wazero.NewRuntime(ctx)
		defer r.Close(ctx)
		if _, err := r.CompileModule(ctx, b); err != nil {
			return
		}
		if _, err := r.CompileModule(ctx, out); err != nil {
			t.Fatalf("%x is a module, and metered it is none: %v", b, err)
		}
	})
}
