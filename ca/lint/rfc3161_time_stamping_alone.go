package lint

import (
	"slices"

	"yinxin/certs"
)

var timeStampingAlone = &Rule{
	ID: "rfc3161_time_stamping_alone", Source: "RFC 3161 2.3",
	Says: "timeStamping is critical and the only extended key usage",
	broken: func(v *view) string {
		if v.cert != nil && slices.Contains(v.cert.EKUs, certs.OIDEKUTimeStamping) && (len(v.cert.EKUs) > 1 || !v.cert.EKUCritical) {
			return "it is not"
		}
		return ""
	},
}
