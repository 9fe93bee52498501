package memstore

import (
	"context"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// Turn is the right to run the messages of an exclusive queue: a worker.Turn.
type Turn struct{ queue *Queue }

// holding is who has the turn.
type holding struct {
	turn  *Turn
	until time.Time
	first uint64
}

// NewTurn returns a turn that has yet to be taken.
func (q *Queue) NewTurn() *Turn { return &Turn{queue: q} }

// Take asks for the turn, or renews it for another queue.TurnLease.
func (t *Turn) Take(context.Context) (first uint64, held bool, err error) {
	t.queue.do(func() {
		h, now := &t.queue.turn, time.Now()
		if !now.Before(h.until) {
			h.turn = nil
		}
		switch h.turn {
		case nil:
			h.turn = t
			h.first += queue.TurnFences
		case t:
		default:
			return
		}
		h.until = now.Add(queue.TurnLease)
		first, held = h.first, true
	})
	return first, held, nil
}

// Give ends the turn.
func (t *Turn) Give(context.Context) error {
	t.queue.do(func() {
		if t.queue.turn.turn == t {
			t.queue.turn.turn = nil
		}
	})
	return nil
}
