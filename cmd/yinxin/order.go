package main

import (
	"strings"

	"yinxin/seal"
)

// placeFlags say where the seal stands and what stands beside it.
type placeFlags struct {
	keyword          seal.Keyword
	riding           seal.Riding
	rides            bool
	which            string
	side, parity     string
	profile, level   string
	protect          string
	lock             string
	mark, markCorner string
}

func (c *call) withPlace(r *seal.StampRequest) *placeFlags {
	f := &placeFlags{}
	c.flags.IntVar(&r.Placement.Page, "page", -1, "page, from 1, or from the end if negative")
	c.flags.Float64Var(&r.Placement.X, "x", 120, "`mm` from the left of the page to the left of the seal")
	c.flags.Float64Var(&r.Placement.Y, "y", 200, "`mm` from the top of the page to the top of the seal")
	c.flags.StringVar(&f.keyword.Text, "keyword", "", "put the seal over this `text` of the document")
	c.flags.StringVar(&f.which, "which", "", "of the places of the keyword: first, last (default) or every")
	c.flags.IntVar(&f.keyword.Page, "keyword-page", 0, "look for the keyword on this page alone")
	c.flags.Float64Var(&f.keyword.DX, "dx", 0, "`mm` to the right of the keyword's middle")
	c.flags.Float64Var(&f.keyword.DY, "dy", 0, "`mm` below the keyword's middle")
	c.flags.BoolVar(&f.rides, "riding", false, "a riding seal across the edges of the pages")
	c.flags.StringVar(&f.side, "side", "", "riding: right (default) or left")
	c.flags.StringVar(&f.parity, "pages", "", "riding: all (default), odd or even")
	c.flags.Float64Var(&f.riding.At, "at", 0, "riding: `mm` from the top; in the middle by default")
	c.flags.StringVar(&f.profile, "profile", "", "PDF: ses (default) or cms")
	c.flags.StringVar(&f.level, "level", "", "B or T (default); PDF: LT or LTA too")
	c.flags.IntVar(&r.Order.Certify, "certify", 0, "PDF: certify the document, permitting changes 1 to 3 (DocMDP)")
	c.flags.StringVar(&f.lock, "lock", "", "PDF: all, or the `fields` of the form that end with this stamp, or !fields for all others, separated by commas")
	c.flags.StringVar(&f.mark, "mark", "", "print the verification code: code or qr")
	c.flags.StringVar(&f.markCorner, "mark-at", "", "where: beside (default), top-left, top-right, bottom-left or bottom-right")
	c.flags.StringVar(&f.protect, "protect", "", "OFD: continuable (default) or whole")
	c.flags.BoolVar(&r.Order.Companion, "companion", false, "PDF: add a signature that readers abroad know")
	return f
}

func (f *placeFlags) read(r *seal.StampRequest) error {
	p, o := &r.Placement, &r.Order
	switch {
	case f.keyword.Text != "" && f.rides:
		return usageError("--keyword and --riding: the seal stands at a keyword or across the edges, not both")
	case f.keyword.Text != "":
		f.keyword.Which = seal.Which(f.which)
		p.Keyword = &f.keyword
	case f.rides:
		f.riding.Side, f.riding.Pages = seal.Side(f.side), seal.Parity(f.parity)
		p.Riding = &f.riding
	}
	o.Profile, o.Level, o.Protect = seal.Profile(f.profile), seal.Level(f.level), seal.Protect(f.protect)
	if f.lock != "" {
		o.Lock = lockOf(f.lock)
	}
	if f.mark != "" {
		o.Mark = &seal.Mark{Kind: seal.MarkKind(f.mark), Where: seal.Corner(f.markCorner)}
	}
	return nil
}

func lockOf(s string) *seal.Lock {
	if s == string(seal.LockAll) {
		return &seal.Lock{Action: seal.LockAll}
	}
	rest, others := strings.CutPrefix(s, "!")
	l := &seal.Lock{Action: seal.LockInclude, Fields: strings.Split(rest, ",")}
	if others {
		l.Action = seal.LockExclude
	}
	return l
}
