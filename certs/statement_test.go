package certs

import "time"

type payload struct {
	Iss string    `json:"iss"`
	Iat time.Time `json:"iat"`
	Exp time.Time `json:"exp"`
}

func head(iss string) payload { return payload{iss, noon, noon.Add(day)} }
