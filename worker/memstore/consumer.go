package memstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// consumers counts all that were made, for their names.
var consumers atomic.Int64

// Consumer claims messages for one worker: a worker.Store. It is never taken for
// dead, unless Evict says so.
type Consumer struct {
	queue *Queue
	id    string
	known bool // registered; guarded by the queue's lock
}

// NewConsumer returns a consumer that has yet to Register.
func (q *Queue) NewConsumer() *Consumer {
	return &Consumer{queue: q, id: "memory-" + strconv.FormatInt(consumers.Add(1), 10)}
}

// ID returns the consumer's name.
func (c *Consumer) ID() string { return c.id }

// Register makes the consumer known. What it held before counts as a lost
// worker's.
func (c *Consumer) Register(context.Context) error {
	c.queue.do(func() {
		c.sweep()
		c.known = true
	})
	return nil
}

// Beat does nothing but to appoint the consumer as tender. It returns
// queue.ErrEvicted where the consumer is not registered.
func (c *Consumer) Beat(context.Context, queue.Load) (queue.BeatResult, error) {
	if err := c.check("beating"); err != nil {
		return queue.BeatResult{}, err
	}
	return queue.BeatResult{Tender: true}, nil
}

// Leave gives back what the consumer holds, as Config.Loss says.
func (c *Consumer) Leave(context.Context) error {
	c.Evict()
	return nil
}

// Evict does what happens to a consumer that was taken for dead: what it holds
// goes where Config.Loss says, and it has to register anew.
func (c *Consumer) Evict() {
	c.queue.do(func() {
		c.sweep()
		c.known = false
	})
}

func (c *Consumer) check(doing string) error {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	if !c.known {
		return fmt.Errorf("%s: %w", doing, queue.ErrEvicted)
	}
	return nil
}

// sweep is called under the lock.
func (c *Consumer) sweep() {
	q := c.queue
	var back []message
	for _, id := range slices.Sorted(maps.Keys(q.hand)) {
		h := q.hand[id]
		if h.owner != c {
			continue
		}
		delete(q.hand, id)
		switch {
		case h.late:
		case q.cfg.Loss != queue.Redeliver:
			q.timeout = append(q.timeout, h.message)
		case q.cfg.MaxReloads > 0 && h.redelivered >= q.cfg.MaxReloads:
			h.reason = fmt.Sprintf("redelivered %d times without an answer of a handler", h.redelivered)
			q.failed = append(q.failed, h.message)
		default:
			h.redelivered++
			back = append(back, h.message)
		}
	}
	q.waiting = append(back, q.waiting...)
}

// Exchange acknowledges the runs in done and claims up to want messages.
func (c *Consumer) Exchange(_ context.Context, done []queue.RunID, want int) (queue.Exchanged, error) {
	if err := c.check("exchanging"); err != nil {
		return queue.Exchanged{Lost: done}, err
	}
	var got queue.Exchanged
	c.queue.do(func() {
		for _, id := range done {
			switch h := c.take(id); {
			case h == nil:
				got.Lost = append(got.Lost, id)
			case h.late:
				got.Late = append(got.Late, id)
			default:
				c.queue.done++
			}
		}
		got.Runs = c.claim(want)
	})
	return got, nil
}

// claim is called under the lock.
func (c *Consumer) claim(want int) []queue.Run {
	q := c.queue
	q.moveDue()
	var runs []queue.Run
	for len(runs) < want && len(q.waiting) > 0 {
		q.last++
		m := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.hand[q.last] = &held{message: m, owner: c}
		runs = append(runs, queue.Run{ID: q.last, Payload: bytes.Clone(m.payload), Redelivered: m.redelivered})
	}
	return runs
}

// take removes a run of this consumer from the hand. Nil: it is not there. It is
// called under the lock.
func (c *Consumer) take(id queue.RunID) *held {
	h := c.queue.hand[id]
	if h == nil || h.owner != c {
		return nil
	}
	delete(c.queue.hand, id)
	return h
}

// Await blocks until a message waits, at most for longest or until ctx is done.
func (c *Consumer) Await(ctx context.Context, longest time.Duration) (bool, error) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	for {
		if err := c.check("awaiting"); err != nil {
			return false, err
		}
		q := c.queue
		q.mu.Lock()
		q.moveDue()
		changed, found := q.changed, len(q.waiting) > 0
		q.mu.Unlock()
		if found {
			return true, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}
