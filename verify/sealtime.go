package verify

import (
	"bytes"
	"errors"
	"fmt"

	"yinxin/certs"
)

// sealTimestamp: a seal of GM/T 0031-2025 may bear a time-stamp over its maker's
// signature. The stamp's signature covers it, so it is older than the stamp.
func (t *trial) sealTimestamp() outcome {
	switch {
	case t.stamp == nil:
		return notMade
	case t.stamp.Seal.TimeStamp == nil:
		return notHere
	case t.w.spend(1) != nil:
		return overWork
	}
	seal := t.stamp.Seal
	token, err := certs.ParseTimeStamp(seal.TimeStamp)
	if err != nil {
		return failed(TimestampForged, fmt.Sprintf("of the seal: %v", err))
	}
	if !bytes.Equal(token.Imprint, imprint(seal.SignatureValue)) {
		return failed(TimestampForged, "of the seal: it is over something else")
	}
	if t.proven && token.GenTime.After(t.proved.Add(token.Accuracy+t.token.Accuracy)) {
		return failed(TimeContradiction, fmt.Sprintf("the seal's time-stamp is of %s", rfc3339(token.GenTime)))
	}
	extra := append(token.Certificates[:len(token.Certificates):len(token.Certificates)], t.book.certs...)
	_, err = t.find(token.Signer, certs.ServiceTSA, extra, token.GenTime)
	switch {
	case errors.Is(err, errWork):
		return overWork
	case err != nil:
		return unknown(TimeNotProven, fmt.Sprintf("the seal's time-stamp authority is not trusted: %v", err))
	case len(token.Notices) > 0:
		return t.departure(token.Notices[0])
	}
	return passed
}
