package verify

// judgeLicence: the state of the licence that the document is, if it is one.
func (d *Document) judgeLicence([]*trial, Input, map[StatusFreshness]bool) (*Licence, []Code) {
	return nil, nil
}
