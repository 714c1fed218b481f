// Package interop holds tests against programs that nobody here wrote, on what
// a real province makes: OpenSSL, qpdf, Poppler, Python and the Go libraries
// of others read our certificates, signatures, lists, tokens and documents.
// A program that is missing skips its tests aloud; .ci/run installs them all.
package interop
