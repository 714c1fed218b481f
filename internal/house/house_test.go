package house

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, args...)...)
	cmd.Dir = "../.."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// faces and wiring may import all, and so may what is for tests alone.
var faces = []string{"cmd/yinxin", "internal/province", "internal/server", "internal/house", "interop",
	"ca/catest", "ca/outside/outsidetest", "internal/province/provincetest", "internal/store/storetest"}

// may says which rooms of ours any other room may import (docs/design.md, The house).
var may = map[string][]string{
	"internal/act":            {},
	"internal/code":           {},
	"internal/durable":        {},
	"internal/sheet":          {},
	"internal/testlong":       {},
	"internal/pagetext":       {"seal/pdf"},
	"certs":                   {},
	"hsm":                     {},
	"hsm/softkey":             {"hsm", "internal/durable"},
	"hsm/hsmtest":             {"hsm"},
	"internal/journal":        {"internal/act"},
	"internal/agency":         {"certs", "internal/act"},
	"internal/trust":          {"certs", "internal/act"},
	"internal/trust/ceremony": {"ca", "certs", "hsm", "hsm/softkey", "internal/durable"},
	"seal/ses":                {"certs"},
	"seal/cms":                {"certs", "seal/ses"},
	"seal/pdf":                {},
	"seal/ofd":                {},
	"seal/jsondoc":            {},
	"seal/face":               {},
	"ca":                      {"certs", "ca/lint", "hsm", "internal/act"},
	"ca/lint":                 {"certs"},
	"ca/crl":                  {"certs", "ca"},
	"ca/ocsp":                 {"certs", "ca"},
	"ca/outside":              {"certs", "hsm", "ca", "internal/act"},
	"ca/tsa":                  {"certs"},
	"ca/est":                  {"certs", "ca"},
	"seal":                    {"certs", "hsm", "internal/act", "internal/code", "seal/ses", "seal/cms", "seal/pdf", "seal/ofd", "seal/jsondoc", "seal/face", "verify/status"},
	"license":                 {"certs", "internal/act", "seal", "license/identifier", "license/metadata", "license/qr", "license/statuslist", "verify/status"},
	"license/identifier":      {},
	"license/metadata":        {"certs", "license/identifier"},
	"license/qr":              {"certs", "license/identifier"},
	"license/statuslist":      {"verify/status"},
	"verify/status":           {},
	"verify":                  {"certs", "seal/ses", "seal/cms", "seal/pdf", "seal/ofd", "seal/jsondoc", "license/identifier", "license/metadata", "license/qr", "license/statuslist", "verify/status"},
	"verify/evidence":         {"certs", "verify", "internal/durable"},
	"verify/portal":           {"verify"},
	"internal/store/bolt":     {"ca", "ca/crl", "certs", "seal", "license", "verify/status", "internal/act", "internal/agency", "internal/journal", "internal/trust", "ca/approval", "ca/companion", "ca/escrow", "ca/outside"},
	"ca/approval":             {"internal/act"},
	"ca/companion":            {"certs", "hsm", "internal/act"},
	"ca/escrow":               {"certs", "hsm", "ca", "ca/approval", "internal/act"},
}

// Every room has its rule, and a rule allows what is needed and no more.
func TestArrowsRunOneWay(t *testing.T) {
	var rooms []string
	for _, p := range list(t, "./...") {
		room := strings.TrimPrefix(p.ImportPath, "yinxin/")
		rooms = append(rooms, room)
		allowed, ruled := may[room]
		if ruled == slices.Contains(faces, room) {
			t.Errorf("%s is a face or has a rule, and not both", room)
		}
		var needed []string
		for _, i := range p.Imports {
			other, ours := strings.CutPrefix(i, "yinxin/")
			if !ours || !ruled {
				continue
			}
			if needed = append(needed, other); !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s", room, other)
			}
			if slices.Contains(faces, other) {
				t.Errorf("%s imports the face %s", room, other)
			}
		}
		for _, other := range allowed {
			if !slices.Contains(needed, other) {
				t.Errorf("%s may import %s, and does not", room, other)
			}
		}
	}
	for room := range may {
		if !slices.Contains(rooms, room) {
			t.Errorf("there is no room %s", room)
		}
	}
}

var quoted = regexp.MustCompile("`([^`]+)`")

// The page says of every room what lives there.
func TestEveryRoomIsOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, m := range quoted.FindAllStringSubmatch(cells[1]+cells[2], -1) {
				told = append(told, strings.TrimSuffix(m[1], "/"))
			}
		}
	}
	for _, p := range list(t, "./...") {
		room := strings.TrimPrefix(p.ImportPath, "yinxin/")
		if !slices.ContainsFunc(told, func(name string) bool { return room == name || strings.HasSuffix(room, "/"+name) }) {
			t.Errorf("docs/design.md tells nothing of %s", room)
		}
	}
}

// What checks our work from outside must have no part in it (docs/design.md,
// Decisions taken).
func TestWitnessesAreForTestsAlone(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, i := range p.Imports {
			for _, witness := range []string{"github.com/tjfoc/gmsm", "github.com/digitorus/", "github.com/chromedp/", "github.com/zmap/"} {
				if strings.HasPrefix(i, witness) {
					t.Errorf("%s imports %s", p.ImportPath, i)
				}
			}
		}
	}
}

// PDFium places seals and shows pages. What it thinks of a document is no part of a
// verdict, so it stands behind one door, and no office has the key.
func TestPDFiumIsBehindOneDoor(t *testing.T) {
	for _, p := range list(t, "./...") {
		room := strings.TrimPrefix(p.ImportPath, "yinxin/")
		for _, i := range p.Imports {
			pdfium := strings.HasPrefix(i, "github.com/klippa-app/") || strings.HasPrefix(i, "github.com/tetratelabs/")
			if pdfium && room != "internal/pagetext" || i == "yinxin/internal/pagetext" && !slices.Contains(faces, room) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// The engine runs in a browser and gives the same answer for ever: no room of
// ours that it imports may reach a network, a file or a store.
func TestTheEngineReachesNothing(t *testing.T) {
	engine := list(t, "./verify")[0]
	rooms := []string{"yinxin/verify"}
	for _, d := range engine.Deps {
		if strings.HasPrefix(d, "yinxin/") {
			rooms = append(rooms, d)
		}
	}
	for _, p := range list(t, rooms...) {
		for _, i := range p.Imports {
			if i == "net/http" || i == "os" || strings.Contains(i, "bbolt") || strings.Contains(i, "pgx") {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
	cmd := exec.Command("go", "build", "./verify")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the engine does not build for the browser: %s", out)
	}
}
