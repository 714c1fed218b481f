package seal

import (
	"bytes"
	"context"
)

// FirstLayout lays a stamp's document out as the first version did, and gives the
// digest of what the stamp covered then.
func (o *Office) FirstLayout(ctx context.Context, s Stamp, in []byte) (digest [32]byte, out []byte, err error) {
	doc, err := openPDF(bytes.NewReader(in), int64(len(in)))
	if err != nil {
		return digest, nil, err
	}
	rd, err := o.prepareAgain(ctx, &s)
	if err != nil {
		return digest, nil, err
	}
	layout, err := o.layOutPDF(rd, &draft{now: s.Claimed}, s, doc, true)
	if err != nil {
		return digest, nil, err
	}
	if digest, err = layout.Digest(nil); err != nil {
		return digest, nil, err
	}
	token, err := o.restore(ctx, &s)
	if err != nil {
		return digest, nil, err
	}
	var b bytes.Buffer
	_, err = layout.WriteTo(&b, token)
	return digest, b.Bytes(), err
}
