package ca

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// In this room a key signs certificates in one function alone, which takes what was
// linted; a seal's own key signs its request to an outside authority.
func TestOneSigner(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var signers []string
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			function, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(function, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "SignMessage" || s.Sel.Name == "SignWithSM2" || s.Sel.Name == "SignDigest") {
					signers = append(signers, function.Name.Name)
				}
				return true
			})
		}
	}
	slices.Sort(signers)
	if !slices.Equal(signers, []string{"SealRequest", "sign"}) {
		t.Fatalf("%v sign", signers)
	}
}
