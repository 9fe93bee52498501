package main

import "sync/atomic"

// tally counts which messages were handled, by many handlers at once.
type tally struct {
	seen  []atomic.Uint64 // a bit per message
	count atomic.Int64
	twice atomic.Int64
}

func newTally(messages int) *tally { return &tally{seen: make([]atomic.Uint64, messages/64+1)} }

// mark notes that message n was handled, and returns how many were, each counted once.
func (t *tally) mark(n int) int64 {
	bit := uint64(1) << (n % 64)
	if t.seen[n/64].Or(bit)&bit != 0 {
		t.twice.Add(1)
		return 0
	}
	return t.count.Add(1)
}
