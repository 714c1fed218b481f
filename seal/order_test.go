package seal

import (
	"errors"
	"math"
	"testing"
)

func TestOrdersThatAreNotUnderstood(t *testing.T) {
	for name, change := range map[string]func(*StampRequest){
		"profile":            func(r *StampRequest) { r.Order.Profile = "wax" },
		"level":              func(r *StampRequest) { r.Order.Level = "LTX" },
		"protect":            func(r *StampRequest) { r.Order.Protect = "half" },
		"certify 4":          func(r *StampRequest) { r.Order.Certify = 4 },
		"certify -1":         func(r *StampRequest) { r.Order.Certify = -1 },
		"two places":         func(r *StampRequest) { r.Placement.Keyword, r.Placement.Riding = &Keyword{Text: "盖章"}, &Riding{} },
		"no keyword":         func(r *StampRequest) { r.Placement.Keyword = &Keyword{} },
		"which":              func(r *StampRequest) { r.Placement.Keyword = &Keyword{Text: "盖章", Which: "second"} },
		"far":                func(r *StampRequest) { r.Placement.Keyword = &Keyword{Text: "盖章", DX: math.Inf(1)} },
		"side":               func(r *StampRequest) { r.Placement.Riding = &Riding{Side: "top"} },
		"pages":              func(r *StampRequest) { r.Placement.Riding = &Riding{Pages: "prime"} },
		"above the page":     func(r *StampRequest) { r.Placement.Riding = &Riding{At: -1} },
		"lock without word":  func(r *StampRequest) { r.Order.Lock = &Lock{} },
		"lock of no fields":  func(r *StampRequest) { r.Order.Lock = &Lock{Action: LockInclude} },
		"lock of all fields": func(r *StampRequest) { r.Order.Lock = &Lock{Action: LockAll, Fields: []string{"a"}} },
		"mark without kind":  func(r *StampRequest) { r.Order.Mark = &Mark{} },
		"mark's place":       func(r *StampRequest) { r.Order.Mark = &Mark{Kind: MarkQR, Where: "middle"} },
	} {
		r := StampRequest{Operator: "张三", Placement: Place{Page: 1}}
		if err := r.check(); err != nil {
			t.Fatal(err)
		}
		change(&r)
		if err := r.check(); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
