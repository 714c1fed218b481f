package seal

import (
	"context"
	"fmt"
	"time"

	"yinxin/internal/act"
)

// UseLife is how long after its approval a use may be made: the second person
// approved it for now, not for a day when nobody remembers.
const UseLife = 7 * 24 * time.Hour

// AskedUse is one use of a seal that was asked for (用印申请), as the second person is
// shown it. It is of one document, by its SM3.
type AskedUse struct {
	Seal     string `json:"seal"`
	SealName string `json:"sealName"`
	Document Digest `json:"documentSM3"`
	Title    string `json:"title"`
	Matter   string `json:"matterCode,omitempty"`
	Reason   string `json:"reason"`
}

// Use is an asked use as it stands.
type Use struct {
	AskedUse
	ID       act.ID
	Agency   string
	Approved bool
	By       act.Officer // who decided
	Decided  time.Time
	Spent    act.ID // the stamp that used it up; zero: none yet
}

// Admits tells whether the approval is for this stamp. It is asked before the
// signature, and again inside the transaction that commits the stamp.
func (u Use) Admits(g Guard, now time.Time) error {
	switch {
	case !u.Approved:
		return fmt.Errorf("%w: %s is not approved", ErrNotApproved, u.ID)
	case u.Seal != g.SealID || u.Agency != g.Agency || u.Document != g.Input || u.Matter != g.Matter:
		return fmt.Errorf("%w: %s is for another document, seal, matter or agency", ErrNotApproved, u.ID)
	case g.Key != "" && g.Key == u.By.KeyID || g.Operator != "" && letters(g.Operator) == letters(u.By.Name):
		// Two people see to it: who asked may be a program, which says anybody's name.
		return fmt.Errorf("%w: %s was approved by who would make the stamp", ErrNotApproved, u.ID)
	case now.Sub(u.Decided) > UseLife:
		return fmt.Errorf("%w: %s has expired", ErrNotApproved, u.ID)
	case u.Spent != act.ID{}:
		return fmt.Errorf("%w: %s is used up", ErrNotApproved, u.ID)
	}
	return nil
}

// UseRequest asks a second person for one use of a seal.
type UseRequest struct {
	SealID, Agency string
	Document       [32]byte // SM3 of what is to be sealed, as it will be handed in
	Title          string
	Matter, Reason string
	By             act.Officer
	Officer        string // whose own key it is
	Retry          *act.Retry
}

// AskUse asks for one use. It fails with the gate's error that says that the request
// waits; done once, it gives the request's name, which is the approvalId of the stamp.
func (o *Office) AskUse(ctx context.Context, r UseRequest) (string, error) {
	if !plain(r.Title, 1, maxReason) || !plain(r.Reason, 1, maxReason) || !plain(r.Matter, 0, maxOperator) {
		return "", fmt.Errorf("%w: a use has the document's title and a reason", ErrRefused)
	}
	if o.c.Gate == nil {
		return "", fmt.Errorf("%w: nobody decides on the uses of seals here", ErrRefused)
	}
	s, err := o.c.Store.Seal(ctx, r.SealID)
	if err != nil {
		return "", err
	}
	caller := StampRequest{Agency: r.Agency, Officer: r.Officer, Key: r.By.KeyID, Matter: r.Matter}
	covered := false
	for _, g := range s.InEffect() {
		covered = covered || g.covers(caller, o.c.Clock())
	}
	if !covered {
		return "", ErrNoRight
	}
	asked := AskedUse{Seal: s.ID, SealName: s.Name, Document: r.Document, Title: r.Title, Matter: r.Matter, Reason: r.Reason}
	return o.c.Gate.Pass(ctx, act.Asked{Kind: KindUse, Agency: r.Agency, Content: asked, By: r.By, Why: r.Reason, Retry: r.Retry})
}

// Use gives an asked use as it stands.
func (o *Office) Use(ctx context.Context, id act.ID) (Use, error) { return o.c.Store.Use(ctx, id) }

// approved finds the approval that a stamp under a grant needs, and holds it against
// the document that came.
func (o *Office) approved(ctx context.Context, r StampRequest, g Guard, now time.Time) (*act.ID, [32]byte, error) {
	id, err := act.ParseID(r.Approval)
	if err != nil {
		return nil, g.Input, fmt.Errorf("%w: approvalId names the request that a second person approved", ErrNotApproved)
	}
	u, err := o.c.Store.Use(ctx, id)
	if err != nil {
		return nil, g.Input, fmt.Errorf("%w: there is no request %s for the use of a seal", ErrNotApproved, id)
	}
	if r.input == nil {
		return nil, g.Input, fmt.Errorf("%w: a document of this kind cannot be approved beforehand", ErrNotApproved)
	}
	if g.Input, err = r.input(); err != nil {
		return nil, g.Input, err
	}
	return &id, g.Input, u.Admits(g, now)
}
