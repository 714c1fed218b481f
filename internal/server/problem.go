package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Problem is an RFC 9457 problem, as interface.md has it. Detail is for the
// person who made the request; it never carries internals.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Code      string `json:"code"`
	RequestID string `json:"requestId"`
}

// refusal is one kind of problem: a stable code and its two sentences.
type refusal struct {
	code   string
	status int
	zh, en string
}

// The catalogue, in the order of their status. A code is a contract: callers
// branch on it.
var (
	badRequest      = refusal{"BAD_REQUEST", http.StatusBadRequest, "请求有误", "The request is wrong"}
	badDocument     = refusal{"BAD_DOCUMENT", http.StatusBadRequest, "文件无法盖章", "The document cannot be sealed"}
	noCredential    = refusal{"UNAUTHENTICATED", http.StatusUnauthorized, "缺少凭证或凭证无效", "No credential, or one that is not valid"}
	noRight         = refusal{"FORBIDDEN", http.StatusForbidden, "凭证无权进行此操作", "The credential has no right to do this"}
	notFound        = refusal{"NOT_FOUND", http.StatusNotFound, "没有找到", "Not found"}
	wrongMethod     = refusal{"METHOD_NOT_ALLOWED", http.StatusMethodNotAllowed, "不支持此方法", "The method is not allowed here"}
	inFlight        = refusal{"RETRY_IN_FLIGHT", http.StatusConflict, "同一幂等键的请求正在处理", "A request with this Idempotency-Key is being done"}
	conflict        = refusal{"CONFLICT", http.StatusConflict, "与当前状态冲突", "It conflicts with the present state"}
	tooLarge        = refusal{"TOO_LARGE", http.StatusRequestEntityTooLarge, "请求体过大", "The body is too large"}
	wrongMediaType  = refusal{"UNSUPPORTED_MEDIA_TYPE", http.StatusUnsupportedMediaType, "不支持的媒体类型", "The media type is not supported"}
	keyTaken        = refusal{"KEY_TAKEN", http.StatusConflict, "该密钥已用于其他用途", "The key serves another purpose already"}
	keyCompromised  = refusal{"KEY_COMPROMISED", http.StatusUnprocessableEntity, "该密钥已知泄露,不再签发证书", "The key is known to be compromised: no certificate is issued on it"}
	refused         = refusal{"REFUSED", http.StatusUnprocessableEntity, "按规则不予办理", "A rule refuses it"}
	retryMismatch   = refusal{"RETRY_MISMATCH", http.StatusUnprocessableEntity, "幂等键已用于另一请求", "The Idempotency-Key was used for another request"}
	internalFault   = refusal{"INTERNAL", http.StatusInternalServerError, "内部错误,什么也没有办理", "An internal fault; nothing was done"}
	cannotWrite     = refusal{"CANNOT_WRITE", http.StatusInsufficientStorage, "无法写入存储,什么也没有办理", "The store cannot be written; nothing was done"}
	unavailable     = refusal{"UNAVAILABLE", http.StatusServiceUnavailable, "暂时无法提供服务", "Not available at the moment"}
	everyRefusal    = []refusal{badRequest, badDocument, noCredential, noRight, notFound, wrongMethod, inFlight, conflict, keyTaken, tooLarge, wrongMediaType, keyCompromised, refused, retryMismatch, internalFault, cannotWrite, unavailable}
	problemTypeBase = "urn:yinxin:problem:"
)

// failure is what a route returns to be answered as a problem. Cause is for
// the log alone.
type failure struct {
	refusal
	detail string
	cause  error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.code + ": " + f.cause.Error()
	}
	return f.code + ": " + f.detail
}

func (f *failure) Unwrap() error { return f.cause }

// fail makes a failure with a sentence for the caller.
func fail(r refusal, detail string) error { return &failure{refusal: r, detail: detail} }

// failBy makes a failure whose detail is the error's own sentence: only for
// errors that were written for callers.
func failBy(r refusal, err error) error { return &failure{refusal: r, detail: err.Error(), cause: err} }

// asFailure finds the problem in an error; what nobody foresaw is internal.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	for _, known := range knownErrors {
		if errors.Is(err, known.err) {
			f := &failure{refusal: known.refusal, cause: err}
			if known.tell {
				f.detail = known.err.Error()
			}
			return f
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &failure{refusal: tooLarge, cause: err}
	}
	return &failure{refusal: internalFault, cause: err}
}

// refuse answers a person's browser with a page, and any program with a problem.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f *failure) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/api/") && s.portal.ShowFault(w, r, f.status) == nil {
		return
	}
	writeProblem(w, r, f)
}

// writeProblem answers with the problem in the caller's language.
func writeProblem(w http.ResponseWriter, r *http.Request, f *failure) {
	p := Problem{
		Type: problemTypeBase + strings.ToLower(strings.ReplaceAll(f.code, "_", "-")), Status: f.status,
		Title: f.en, Detail: f.detail, Code: f.code, RequestID: requestID(r.Context()),
	}
	if prefersChinese(r) {
		p.Title = f.zh
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="yinxin"`)
		if speaksEST(r) {
			w.Header().Add("WWW-Authenticate", `Basic realm="yinxin", charset="UTF-8"`)
		}
	}
	w.WriteHeader(f.status)
	// The client may be gone; there is no one to tell.
	_ = json.NewEncoder(w).Encode(p)
}

// prefersChinese reads Accept-Language as far as two languages need: the one
// named first counts, Chinese where nothing is said.
func prefersChinese(r *http.Request) bool {
	al := strings.ToLower(r.Header.Get("Accept-Language"))
	zh, en := strings.Index(al, "zh"), strings.Index(al, "en")
	return en < 0 || zh >= 0 && zh < en
}
