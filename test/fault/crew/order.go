package crew

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// Variable is the environment variable with an Order: a program that finds it is a worker.
const Variable = "FAULT_ORDER"

// Kind chooses how a worker is built.
type Kind string

// The kinds of worker.
const (
	Library Kind = ""        // built on packages worker and queue
	Command Kind = "command" // the command line of the worker image; its ledger has only what the handler sees
	Naive   Kind = "naive"   // the protocol as Hyperf speaks it: BRPOP, ZADD, ZREM
)

// Order is what a worker process is told.
type Order struct {
	Kind        Kind             `json:"kind,omitempty"`
	Redis       string           `json:"redis"` // URL
	Channel     string           `json:"channel"`
	Name        string           `json:"name"`
	Ledger      string           `json:"ledger"` // file
	Concurrency int              `json:"concurrency"`
	Handle      time.Duration    `json:"handle"`
	Retry       time.Duration    `json:"retry"`
	Loss        queue.LossPolicy `json:"loss"`
	MaxReloads  int              `json:"maxReloads"`
	// Mortality is the chance of death at each of the moments between Redis and the handler.
	Mortality float64 `json:"mortality,omitempty"`
}

// Text returns the order as it stands in the environment.
func (o Order) Text() string {
	text, _ := json.Marshal(o) // strings and numbers only: cannot fail
	return string(text)
}

// ParseOrder reads what Text wrote.
func ParseOrder(text string) (Order, error) {
	var o Order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return Order{}, fmt.Errorf("reading the worker's order: %w", err)
	}
	if o.Redis == "" || o.Channel == "" || o.Ledger == "" {
		return Order{}, errors.New("reading the worker's order: want redis, channel and ledger")
	}
	return o, nil
}
