package memstore

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// Config says how a queue deals with what dead workers held.
type Config struct {
	// Loss says where a consumer that leaves, or registers anew, puts what it
	// still holds. Default queue.Park: in `timeout`.
	Loss queue.LossPolicy
	// MaxReloads bounds how often a message is redelivered before it goes to
	// `failed`. Default 0: no bound.
	MaxReloads int
}

// Queue holds messages in memory. All methods are safe for concurrent use.
type Queue struct {
	cfg Config

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each change
	last    queue.RunID
	waiting []message // the first is taken first
	delayed []message // in the order of their due times
	hand    map[queue.RunID]*held
	timeout []message // the oldest first
	failed  []message // the oldest first
	done    uint64
	turn    holding
}

// message is one message with what is known beside it.
type message struct {
	payload     []byte
	due         time.Time // while it is delayed
	redelivered int
	reason      string // why it stands in failed
}

// held is a message in hand.
type held struct {
	message
	owner *Consumer
	late  bool // it stands in timeout already
}

// New returns an empty queue.
func New(cfg Config) *Queue {
	return &Queue{cfg: cfg, changed: make(chan struct{}), hand: make(map[queue.RunID]*held)}
}

// do runs f under the lock and wakes those who wait for a change.
func (q *Queue) do(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f()
	close(q.changed)
	q.changed = make(chan struct{})
}

// Push puts messages on the queue, the first one to be taken first. It never
// fails.
func (q *Queue) Push(_ context.Context, payloads ...[]byte) error {
	q.do(func() {
		for _, p := range payloads {
			q.waiting = append(q.waiting, message{payload: bytes.Clone(p)})
		}
	})
	return nil
}

// PushDelayed puts messages on the queue that are due after the delay, and returns
// how many of them were new: one that waits there already is moved to the new
// time. It never fails.
func (q *Queue) PushDelayed(_ context.Context, delay time.Duration, payloads ...[]byte) (added int, err error) {
	q.do(func() {
		for _, p := range payloads {
			at := slices.IndexFunc(q.delayed, func(m message) bool { return bytes.Equal(m.payload, p) })
			if at < 0 {
				added++
			} else { // one of them, though retries may have brought equal ones
				q.delayed = slices.Delete(q.delayed, at, at+1)
			}
			q.delay(message{payload: bytes.Clone(p)}, delay)
		}
	})
	return added, nil
}

// delay is called under the lock.
func (q *Queue) delay(m message, d time.Duration) {
	m.due = time.Now().Add(max(d, 0))
	at, _ := slices.BinarySearchFunc(q.delayed, m, func(e, m message) int {
		if e.due.After(m.due) {
			return 1
		}
		return -1 // equal times keep their order
	})
	q.delayed = slices.Insert(q.delayed, at, m)
}

// moveDue is called under the lock.
func (q *Queue) moveDue() (moved int) {
	now := time.Now()
	for len(q.delayed) > 0 && !q.delayed[0].due.After(now) {
		q.waiting = append(q.waiting, q.delayed[0])
		q.delayed = q.delayed[1:]
		moved++
	}
	return moved
}

// MakeDue makes all delayed messages due now, and returns how many these are: a
// test need not wait for retries.
func (q *Queue) MakeDue() (n int) {
	q.do(func() {
		n = len(q.delayed)
		for i := range q.delayed {
			q.delayed[i].due = time.Time{}
		}
		q.moveDue()
	})
	return n
}

// Tend moves what is due, so that the queue is a worker.Keeper.
func (q *Queue) Tend(context.Context) (queue.Tended, error) {
	got := queue.Tended{Now: time.Now()}
	q.do(func() {
		got.Moved = q.moveDue()
		got.Counts = q.counts()
	})
	return got, nil
}

// Counts returns how many messages stand in each state.
func (q *Queue) Counts() queue.Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts()
}

func (q *Queue) counts() queue.Counts {
	c := queue.Counts{
		Waiting: int64(len(q.waiting)), Delayed: int64(len(q.delayed)),
		Timeout: int64(len(q.timeout)), Failed: int64(len(q.failed)),
	}
	now := time.Now()
	for _, m := range q.delayed {
		if !m.due.After(now) {
			c.Due++
		}
	}
	if len(q.delayed) > 0 {
		c.NextDue = q.delayed[0].due
	}
	for _, h := range q.hand {
		if !h.late {
			c.Reserved++
		}
	}
	return c
}
