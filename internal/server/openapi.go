package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"yinxin/ca/approval"
	"yinxin/seal"
	"yinxin/verify/status"
)

// Bodies that no other code of the server spells out as a type.
type (
	// octets are a part of a form: a file as it is.
	octets []byte

	fileForm struct {
		File octets `json:"file" api:"required"`
	}
	stampParts struct {
		Document octets    `json:"document" api:"required"`
		Request  stampForm `json:"request" api:"required"`
	}
	sealedAnswer struct {
		seriesAnswer
		Document any `json:"document"` // JSON, or base64 of any other file
	}
	// statement is a DSSE envelope (protocol.md 1).
	statement struct {
		PayloadType string `json:"payloadType"`
		Payload     []byte `json:"payload"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   []byte `json:"sig"`
		} `json:"signatures"`
	}
	bundleAnswer struct {
		History []statement `json:"history,omitempty"`
		Scheme  statement   `json:"scheme"`
		Regions []statement `json:"regions"`
	}
)

type object = map[string]any

// parameters are those that the table names, whatever the route.
var parameters = map[string]object{
	"id":              {"in": "path", "description": "of the seal, stamp, job, certificate, request or licence", "schema": object{"type": "string"}},
	"code":            {"in": "query", "description": "verification code: 26 characters of Crockford base 32", "schema": object{"type": "string", "maxLength": 64}},
	"n":               {"in": "path", "description": "number of a document in its job", "schema": object{"type": "integer", "minimum": 1}},
	"shard":           {"in": "path", "schema": object{"type": "integer", "minimum": 0}},
	"issuer":          {"in": "path", "description": "root or issuing, or a later generation such as issuing.2", "schema": object{"type": "string", "pattern": `^(root|issuing)(\.[0-9]+)?$`}},
	"label":           {"in": "path", "description": "what is enrolled: client (as without a label) or person", "schema": object{"type": "string", "enum": []string{"client", "person"}}},
	"list":            {"in": "path", "description": "root or issuing; issuing-delta; issuing-40 to issuing-7f for the certificates whose serials begin so; of a later generation issuing.2 and so on", "schema": object{"type": "string"}},
	"request":         {"in": "path", "description": "an OCSPRequest, DER, in base64 that is percent-encoded", "schema": object{"type": "string"}},
	"level":           {"in": "path", "schema": object{"type": "integer", "minimum": 0}},
	"index":           {"in": "query", "description": "of a leaf, or of a tile in its level", "schema": object{"type": "integer", "minimum": 0}},
	"size":            {"in": "query", "description": "of the tree", "schema": object{"type": "integer", "minimum": 1}},
	"first":           {"in": "query", "description": "size of the earlier tree", "schema": object{"type": "integer", "minimum": 0}},
	"second":          {"in": "query", "description": "size of the later tree", "schema": object{"type": "integer", "minimum": 1}},
	"at":              {"in": "query", "description": "the moment asked about, now if left out", "schema": object{"type": "string", "format": "date-time"}},
	"sequence":        {"in": "query", "description": "of a scheme list, the newest if left out", "schema": object{"type": "integer", "minimum": 1}},
	"nonce":           {"in": "query", "description": "echoed in the signed answer", "schema": object{"type": "string", "maxLength": status.MaxNonce}},
	"seal":            {"in": "query", "description": "id of a seal; of a status: SM3 of the SESeal in hex", "schema": object{"type": "string"}},
	"agency":          {"in": "query", "description": "USCC; if left out the caller's own, or all for the province's own", "schema": object{"type": "string"}},
	"operator":        {"in": "query", "description": "an officer's name, whole", "schema": object{"type": "string", "maxLength": 200}},
	"format":          {"in": "query", "description": "of the sealed document: pdf, ofd, json or file", "schema": object{"type": "string"}},
	"key":             {"in": "query", "description": "id of a bearer key", "schema": object{"type": "string"}},
	"matter":          {"in": "query", "schema": object{"type": "string"}},
	"type":            {"in": "query", "schema": object{"type": "string"}},
	"kind":            {"in": "query", "description": "of a seal", "schema": object{"type": "string", "enum": []any{seal.KindAgency, seal.KindSpecial, seal.KindLegal, seal.KindPerson}}},
	"grant":           {"in": "path", "description": "id of a grant of the seal", "schema": object{"type": "string"}},
	"state":           {"in": "query", "schema": object{"type": "string"}},
	"from":            {"in": "query", "schema": object{"type": "string", "format": "date-time"}},
	"evidence":        {"in": "query", "description": "the level: LT, or LTA with a time-stamp over it, which is what is done if left out", "schema": object{"type": "string", "enum": []string{"LT", "LTA"}}},
	"to":              {"in": "query", "schema": object{"type": "string", "format": "date-time"}},
	"profile":         {"in": "query", "schema": object{"type": "string"}},
	"issuedBy":        {"in": "query", "description": "name of the issuer, such as issuing", "schema": object{"type": "string"}},
	"serial":          {"in": "query", "description": "the first digits of the serial number", "schema": object{"type": "string", "maxLength": 200}},
	"expiresAfter":    {"in": "query", "description": "this moment or later", "schema": object{"type": "string", "format": "date-time"}},
	"expiresBefore":   {"in": "query", "schema": object{"type": "string", "format": "date-time"}},
	"issuedAfter":     {"in": "query", "description": "this moment or later", "schema": object{"type": "string", "format": "date-time"}},
	"issuedBefore":    {"in": "query", "schema": object{"type": "string", "format": "date-time"}},
	"bom":             {"in": "query", "description": "true: a table begins with a byte-order mark, for Excel", "schema": object{"type": "string", "enum": []string{"true", "false"}}},
	"limit":           {"in": "query", "schema": object{"type": "integer", "minimum": 1, "maximum": maxPage, "default": aPage}},
	"cursor":          {"in": "query", "description": "next of the page before", "schema": object{"type": "string"}},
	"lang":            {"in": "query", "schema": object{"type": "string", "enum": []string{"zh", "en"}}},
	"Idempotency-Key": {"in": "header", "description": "a retry with the same body gets the same answer; kept a week", "schema": object{"type": "string", "maxLength": maxKey}},
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// describe makes the OpenAPI 3.1 document from the table of routes; the schemas are
// those of the Go types that the routes read and write.
func describe(url string, endpoints []endpoint) ([]byte, error) {
	sc := schemas{}
	problem := object{"description": "a problem (RFC 9457)", "content": object{"application/problem+json": object{"schema": sc.of(reflect.TypeFor[Problem]())}}}
	paths := map[string]object{}
	for _, e := range endpoints {
		if paths[e.path] == nil {
			paths[e.path] = object{}
		}
		op, err := e.operation(sc)
		if err != nil {
			return nil, err
		}
		paths[e.path][strings.ToLower(e.method)] = op
	}
	return json.Marshal(object{
		"openapi": "3.1.0",
		"info":    object{"title": "Yinxin 印信", "version": "1", "description": "Seals, licences and their verification."},
		"servers": []any{object{"url": strings.TrimRight(url, "/")}},
		"paths":   paths,
		"components": object{
			"schemas": sc, "responses": object{"Problem": problem},
			"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer", "description": "a key of an agency; each operation names the scope it asks for"}},
		},
	})
}

func (e endpoint) operation(sc schemas) (object, error) {
	words := strings.FieldsFunc(e.path, func(r rune) bool { return strings.ContainsRune("/{}.-", r) })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	done := http.StatusOK
	if e.gives.status != 0 {
		done = e.gives.status
	}
	op := object{"operationId": strings.ToLower(e.method) + strings.Join(words, ""), "summary": e.summary, "responses": object{
		strconv.Itoa(done): object{"description": http.StatusText(done), "content": e.gives.describe(sc)},
		"default":          object{"$ref": "#/components/responses/Problem"},
	}}
	if e.gives.waits {
		op["responses"].(object)["202"] = object{"description": "it waits for a second officer", "content": jsonOf(approval.Request{}).describe(sc)}
	}
	if e.scope != "" {
		op["security"] = []any{object{"bearer": []string{e.scope}}}
	}
	if len(e.takes.media) > 0 {
		op["requestBody"] = object{"required": true, "content": e.takes.describe(sc)}
	}
	var list []object
	for _, m := range pathParameter.FindAllStringSubmatch(e.path, -1) {
		p, ok := parameters[m[1]]
		if !ok {
			return nil, fmt.Errorf("openapi: %s: the parameter %s is not described", e.path, m[1])
		}
		list = append(list, with(p, object{"name": m[1], "in": "path", "required": true}))
	}
	for _, name := range e.with {
		p, ok := parameters[name]
		if !ok {
			return nil, fmt.Errorf("openapi: %s: the parameter %s is not described", e.path, name)
		}
		list = append(list, with(p, object{"name": name}))
	}
	if list != nil {
		op["parameters"] = list
	}
	return op, nil
}

func with(a, b object) object {
	out := object{}
	for _, m := range []object{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func (c content) describe(sc schemas) object {
	out := object{}
	for media, v := range c.media {
		out[media] = object{}
		if types, ok := v.(either); ok {
			var choice []any
			for _, one := range types {
				choice = append(choice, sc.of(reflect.TypeOf(one)))
			}
			out[media] = object{"schema": object{"anyOf": choice}}
		} else if v != nil {
			out[media] = object{"schema": sc.of(reflect.TypeOf(v))}
		}
	}
	return out
}

func (s *Server) showOpenAPI(w http.ResponseWriter, _ *http.Request) error {
	return writeBytes(w, http.StatusOK, "application/json", s.openAPI)
}
