package pagetext

import _ "unsafe" // for linkname

// shipped is PDFium as the library brings it, covered by go.sum. The library gives it
// to nobody, and takes another in its place: the same, metered.
//
//go:linkname shipped github.com/klippa-app/go-pdfium/webassembly.pdfiumWasm
var shipped []byte
