package lint

import "bytes"

var readable = &Rule{
	ID: "cps_readable", Source: "practice statement; RFC 5280; GM/T 0015",
	Says: "the reader that verifiers use reads it, and reads the same",
	broken: func(v *view) string {
		switch {
		case v.err != nil:
			return v.err.Error()
		case !bytes.Equal(v.cert.Serial.Bytes(), v.serial) || !v.cert.NotAfter.Equal(v.notAfter.at) || !bytes.Equal(v.cert.RawSubject, v.subject.raw) || len(v.cert.Extensions) != len(v.extensions):
			return "two readers see two certificates"
		}
		return ""
	},
}
