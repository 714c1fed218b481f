package lint

var keyOrdered = &Rule{
	ID: "cps_key_ordered", Source: "practice statement; RFC 2986",
	Says: "the key is the one whose possession was proven",
	broken: func(v *view) string {
		if v.cert != nil && (v.want.Key == nil || !v.cert.PublicKey.Equal(v.want.Key)) {
			return "it is another"
		}
		return ""
	},
}
