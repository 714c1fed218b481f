package act

// Officer is a person (经办人) who asks for an act or decides on one, as the
// register of bearer keys knows them. A program has a key and no name; what a
// person at the machine does without a key has a name alone.
type Officer struct {
	Name   string `cbor:"1,keyasint,omitempty" json:"name,omitempty"`
	KeyID  string `cbor:"2,keyasint,omitempty" json:"keyId,omitempty"`
	Agency string `cbor:"3,keyasint,omitempty" json:"agency,omitempty"` // of the key
}

// Known tells whether a key says who the person is.
func (o Officer) Known() bool { return o.Name != "" && o.KeyID != "" && o.Agency != "" }

// String is how an officer stands as the "who" of an act.
func (o Officer) String() string {
	if o.KeyID == "" {
		return o.Name
	}
	return o.Name + " (key " + o.KeyID + ")"
}

// Asked is an act that a second officer may have to approve, before it is done.
// Content is all that carries it out, as JSON: it is what the officer who
// decides is shown, so nothing may decide the act that does not stand in it.
type Asked struct {
	Kind    string
	Agency  string // USCC of the agency that it concerns
	Content any
	By      Officer
	Why     string
	Retry   *Retry
}
