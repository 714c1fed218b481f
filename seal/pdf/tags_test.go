package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// taggedFile is a tagged page whose structure is written in one of the ways in which it
// may be.
func taggedFile(t testing.TB, root, more string) []byte {
	t.Helper()
	return rebuild(t, fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /MarkInfo << /Marked true >> /StructTreeRoot 5 0 R >>\nendobj\n"+
		"2 0 obj\n<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] >>\nendobj\n"+
		"4 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 500] /Tabs /S >>\nendobj\n5 0 obj\n<< /Type /StructTreeRoot %s >>\nendobj\n%s", root, more))
}

const (
	documentElem = "6 0 obj\n<< /Type /StructElem /S /Document /P 5 0 R %s >>\nendobj\n"
	sectElem     = "6 0 obj\n<< /Type /StructElem /S /Sect /P 5 0 R /K [] >>\nendobj\n"
)

var structures = map[string][2]string{
	"empty":                          {"", ""},
	"a document":                     {"/K 6 0 R /ParentTree << /Nums [0 [6 0 R]] >> /ParentTreeNextKey 1", fmt.Sprintf(documentElem, "/K [0]")},
	"a document of one thing":        {"/K [6 0 R] /ParentTree 7 0 R", fmt.Sprintf(documentElem, "/K 0") + "7 0 obj\n<< /Nums [3 6 0 R] >>\nendobj\n"},
	"a document without kids":        {"/K 6 0 R /ParentTree 7 0 R", fmt.Sprintf(documentElem, "") + "7 0 obj\n<< /Nums 8 0 R >>\nendobj\n8 0 obj\n[]\nendobj\n"},
	"two things, the tree in leaves": {"/K [6 0 R 7 0 R] /ParentTree 8 0 R /ParentTreeNextKey 12", sectElem + "7 0 obj\n<< /Type /StructElem /S /Sect /P 5 0 R >>\nendobj\n8 0 obj\n<< /Kids [9 0 R] >>\nendobj\n9 0 obj\n<< /Limits [0 9] /Nums [0 6 0 R 9 7 0 R] >>\nendobj\n"},
	"one thing that is no document":  {"/K 6 0 R", sectElem},
	"kids in an array of their own":  {"/K 7 0 R", sectElem + "7 0 obj\n[6 0 R]\nendobj\n"},
}

// Whatever the structure is like, each widget gets its tag, and stamps leave each other
// good.
func TestTagsGrow(t *testing.T) {
	for name, s := range structures {
		in := taggedFile(t, s[0], s[1])
		one := seal(t, in, options(t, 0))
		o := options(t, 8)
		o.Spots = append(o.Spots, Spot{Page: 1, X: 60, Y: 60})
		two := seal(t, one, o)
		found := stamps(t, two)
		if len(found) != 2 || found[0].ContentAdded {
			t.Errorf("%s: %v", name, found[0].LaterChanges)
		}
		if n := bytes.Count(two, []byte("/S /Form")); n != 3 || bytes.Count(two, []byte("/OBJR")) != n || bytes.Count(two, []byte("/StructParent ")) != n {
			t.Errorf("%s: %d tags", name, n)
		}
		f := open(t, two)
		tree, err := f.structure()
		if err != nil || tree == nil {
			t.Fatal(err)
		}
		root, err := f.deref(tree.root.get("ParentTree"), f.last())
		if err != nil {
			t.Fatal(err)
		}
		highest := int64(-1)
		if err := f.highestKey(root, f.last(), 0, &highest); err != nil || tree.next != highest+1 {
			t.Errorf("%s: the next key is %d after %d, %v", name, tree.next, highest, err)
		}
	}
}

// What a later stamp says of the structure beside its own tags is content.
func TestTagsThatSayMore(t *testing.T) {
	s := structures["a document"]
	first := seal(t, taggedFile(t, s[0], s[1]), options(t, 0))
	plain := evilStamp(t, first, func(*increment) {})
	if got := stamps(t, plain); got[0].ContentAdded {
		t.Fatal(got[0].LaterChanges)
	}
	structure := func(n *increment) *structure {
		tree, err := n.f.structure()
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, more := range map[string]func(n *increment){
		"a text for what stands there": func(n *increment) {
			s := structure(n)
			must(n.set(s.top, &s.top.value, "ActualText", "(1,000,000)"))
		},
		"one more element": func(n *increment) {
			s, num := structure(n), n.newRef()
			n.object(num, fmt.Appendf(nil, "<< /Type /StructElem /S /P /P %d 0 R /Alt (read me) >>", s.top.ref.num))
			must(n.addTo(s.top, &s.top.value, "K", fmt.Sprintf("%d 0 R", num)))
		},
		"another role": func(n *increment) {
			s := structure(n)
			must(n.set(s.root, &s.root.value, "RoleMap", "<< /Form /P >>"))
		},
		"a key of another's": func(n *increment) {
			s := structure(n)
			must(n.addTo(s.root, s.root.get("ParentTree"), "Nums", fmt.Sprintf("99 %d 0 R", s.top.ref.num)))
		},
		"a next key of its own": func(n *increment) {
			s := structure(n)
			must(n.change(s.root, edit{s.root.end - 2, s.root.end - 2, " /IDTree << >> "}))
		},
		"another order of the page": func(n *increment) {
			page, _, err := n.f.orderedPage(2)
			must(err)
			must(n.set(page, &page.value, "Tabs", "/R"))
		},
		"not marked": func(n *increment) {
			cat, err := n.f.get(n.f.revs[n.f.last()].root, n.f.last())
			must(err)
			must(n.set(cat, &cat.value, "MarkInfo", "<< /Marked false >>"))
		},
	} {
		if got := stamps(t, evilStamp(t, first, more)); len(got) != 2 || !got[0].ContentAdded {
			t.Errorf("%s is no content: %v", name, got[0].LaterChanges)
		}
	}
}

// A new leaf of the tree must not have the key of a page's own tags.
func TestTagsInThePlaceOfAPages(t *testing.T) {
	s := structures["two things, the tree in leaves"]
	first := seal(t, taggedFile(t, s[0], s[1]), options(t, 0))
	stamped := evilStamp(t, first, func(*increment) {})
	if got := stamps(t, stamped); got[0].ContentAdded {
		t.Fatal(got[0].LaterChanges)
	}
	for _, key := range []string{"9 ", "0 ", "12"} {
		attacked := stamped
		for _, w := range []string{"/StructParent 13", "/Nums [13", "/Limits [13 13", "/ParentTreeNextKey 14"} {
			to := strings.ReplaceAll(w, "13", key)
			if w == "/ParentTreeNextKey 14" {
				to = map[string]string{"9 ": "/ParentTreeNextKey 10", "0 ": "/ParentTreeNextKey 1 ", "12": "/ParentTreeNextKey 13"}[key]
			}
			if !bytes.Contains(attacked[len(first):], []byte(w)) {
				t.Fatalf("no %s in %s", w, attacked[len(first):])
			}
			attacked = lastReplaced(attacked, w, to)
		}
		if got := stamps(t, attacked); len(got) != 2 || !got[0].ContentAdded {
			t.Errorf("key %s: the tag of a page is another", key)
		}
	}
}
