package server

import "net/http"

// named settles who a request is by: an officer's key says it, so a form may
// leave its operator out and may not name another. Of a program's key the form
// alone says it.
func named(r *http.Request, operator *string) error {
	caller, _ := callerOf(r.Context())
	switch {
	case caller.Officer == "":
	case *operator == "":
		*operator = caller.Officer
	case *operator != caller.Officer:
		return fail(noRight, "the operator is not the officer whose key this is")
	}
	return nil
}
