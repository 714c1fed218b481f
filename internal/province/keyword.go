package province

import (
	"context"
	"errors"
	"fmt"
	"io"

	"yinxin/internal/pagetext"
	"yinxin/seal"
)

// keywords finds words on the pages of a PDF for the seal office.
type keywords struct{ engine *pagetext.Engine }

func (k keywords) Find(ctx context.Context, in io.ReaderAt, size int64, text string, limit int) ([]seal.Hit, error) {
	found, err := k.engine.Find(ctx, in, size, text, limit)
	switch {
	case errors.Is(err, pagetext.ErrDocument), errors.Is(err, pagetext.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", seal.ErrDocument, err)
	case errors.Is(err, pagetext.ErrWord):
		return nil, fmt.Errorf("%w: %w", seal.ErrOrder, err)
	case err != nil:
		return nil, err
	}
	hits := make([]seal.Hit, len(found))
	for i, h := range found {
		hits[i] = seal.Hit(h)
	}
	return hits, nil
}
