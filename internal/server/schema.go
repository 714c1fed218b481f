package server

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"yinxin/ca/approval"
	"yinxin/ca/escrow"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/seal/batch"
	"yinxin/seal/face"
	"yinxin/verify"
	"yinxin/verify/status"
)

// schemas are the named ones, by package and type.
type schemas map[string]object

var words = map[reflect.Type][]any{
	reflect.TypeFor[verify.Verdict]():      {verify.Valid, verify.ValidWithNotice, verify.NotValid, verify.CannotConfirm, verify.None},
	reflect.TypeFor[verify.Result]():       {verify.Pass, verify.Fail, verify.Unknown, verify.NotApplicable},
	reflect.TypeFor[status.SealState]():    {status.SealInForce, status.SealFrozen, status.SealCancelled, status.SealReplaced, status.SealUnknown},
	reflect.TypeFor[batch.State]():         {batch.Open, batch.Running, batch.Done, batch.Cancelled},
	reflect.TypeFor[batch.ItemState]():     {batch.Queued, batch.Sealed, batch.Failed},
	reflect.TypeFor[seal.Kind]():           {seal.KindAgency, seal.KindSpecial, seal.KindLegal, seal.KindPerson},
	reflect.TypeFor[seal.Grounds]():        grounds(),
	reflect.TypeFor[approval.State]():      {approval.StatePending, approval.StateApproved, approval.StateRefused, approval.StateWithdrawn, approval.StateExpired},
	reflect.TypeFor[escrow.State]():        {escrow.StateBegun, escrow.StateDelivered, escrow.StateAbandoned},
	reflect.TypeFor[hsm.State]():           {hsm.Active, hsm.Suspended, hsm.Destroyed},
	reflect.TypeFor[face.Shape]():          {face.Round, face.Oval, face.Square, face.Person},
	reflect.TypeFor[face.Centre]():         {"", face.Star, face.NoStar},
	reflect.TypeFor[face.Colour]():         {"", face.Red, face.Blue, face.Black},
	reflect.TypeFor[face.Weight]():         {"", face.Regular, face.Bold},
	reflect.TypeFor[status.LicenceState](): {status.LicenceValid, status.LicenceRevoked, status.LicenceSuspended, status.LicenceCancelled, status.LicenceSuperseded, status.LicenceTransferred, status.LicenceWithdrawn, status.LicenceUnknown},
}

func grounds() (all []any) {
	for _, g := range seal.AllGrounds() {
		all = append(all, g)
	}
	return all
}

func (sc schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[act.ID]():
		return object{"type": "string", "format": "uuid"}
	case reflect.TypeFor[seal.Digest]():
		return object{"type": "string", "pattern": "^[0-9a-f]{64}$"}
	case reflect.TypeFor[octets]():
		return object{"type": "string", "contentMediaType": mediaOctets}
	case reflect.TypeFor[json.RawMessage]():
		return object{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []any{sc.of(t.Elem()), object{"type": "null"}}}
	case reflect.String:
		if enum := words[t]; enum != nil {
			return object{"type": "string", "enum": enum}
		}
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Uint64, reflect.Uint32:
		return object{"type": "integer", "minimum": 0}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": sc.of(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		// A nil slice of ours is written as null.
		return object{"type": []string{"array", "null"}, "items": sc.of(t.Elem())}
	case reflect.Struct:
		return sc.named(t)
	}
	return object{} // an interface: anything
}

func (sc schemas) named(t reflect.Type) object {
	name := t.String() // package.Type
	if t.Name() == "" || strings.Contains(name, "[") {
		return sc.members(t)
	}
	if _, done := sc[name]; !done {
		sc[name] = object{} // a type may hold itself
		sc[name] = sc.members(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// members describes a struct. What the server writes it writes whole, but for what
// may be left out; of what it reads the tag `api` tells what must be there.
func (sc schemas) members(t reflect.Type) object {
	properties, required := object{}, []string{}
	form := strings.HasSuffix(t.Name(), "Form") || strings.HasSuffix(t.Name(), "Parts")
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Anonymous {
				add(f.Type)
				continue
			}
			name, optional := memberName(f)
			if name == "" {
				continue
			}
			properties[name] = sc.of(f.Type)
			if form && f.Tag.Get("api") == "required" || !form && !optional {
				required = append(required, name)
			}
		}
	}
	add(t)
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	if form {
		out["additionalProperties"] = false
	}
	return out
}
