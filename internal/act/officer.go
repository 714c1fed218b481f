package act

// Officer is who asks for an act or decides on one. A person (经办人) is named by
// the register of bearer keys; a program's key names nobody, so that its name is
// the program's own word (Unverified), and so is that of a program that came with
// a client certificate. What a person at the machine does without a key has a name
// alone.
type Officer struct {
	Name   string `cbor:"1,keyasint,omitempty" json:"name,omitempty"`
	KeyID  string `cbor:"2,keyasint,omitempty" json:"keyId,omitempty"`
	Agency string `cbor:"3,keyasint,omitempty" json:"agency,omitempty"` // of the key
	// Unverified: nobody but the program says that it acts for the person.
	Unverified bool `cbor:"4,keyasint,omitempty" json:"unverified,omitempty"`
	// Certificate is the SM3 of the client certificate that a program came with, in
	// the place of a key: it may ask, and never decides.
	Certificate string `cbor:"5,keyasint,omitempty" json:"certificate,omitempty"`
}

// Known tells whether a key says who the person is.
func (o Officer) Known() bool {
	return o.Name != "" && o.KeyID != "" && o.Agency != "" && !o.Unverified
}

// String is how an officer stands as the "who" of an act.
func (o Officer) String() string {
	switch {
	case o.Certificate != "":
		return o.Name + " (unverified, client certificate " + o.Certificate + ")"
	case o.KeyID == "":
		return o.Name
	case o.Unverified:
		return o.Name + " (unverified, key " + o.KeyID + ")"
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
