package memstore

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// end ends a run; to puts its message where it is to go, unless it was late.
func (c *Consumer) end(id queue.RunID, to func(m message)) (outcome queue.Outcome, err error) {
	c.queue.do(func() {
		switch h := c.take(id); {
		case h == nil:
			outcome = queue.WasLost
		case h.late:
			outcome = queue.WasLate
		default:
			outcome = queue.Moved
			to(h.message)
		}
	})
	return outcome, nil
}

// Retry puts payload, with its attempt counted, on `delayed`.
func (c *Consumer) Retry(_ context.Context, id queue.RunID, payload []byte, delay time.Duration) (queue.Outcome, error) {
	return c.end(id, func(message) { c.queue.delay(message{payload: bytes.Clone(payload)}, delay) })
}

// Requeue puts the message on `delayed` as it is.
func (c *Consumer) Requeue(_ context.Context, id queue.RunID, delay time.Duration) (queue.Outcome, error) {
	return c.end(id, func(m message) { c.queue.delay(m, delay) })
}

// Fail puts the message on `failed`, with the reason beside it.
func (c *Consumer) Fail(_ context.Context, id queue.RunID, reason string) (queue.Outcome, error) {
	return c.end(id, func(m message) {
		m.reason = reason
		c.queue.failed = append(c.queue.failed, m)
	})
}

// Expire puts the message on `timeout`, while its run goes on.
func (c *Consumer) Expire(_ context.Context, id queue.RunID) (outcome queue.Outcome, err error) {
	c.queue.do(func() {
		h := c.queue.hand[id]
		switch {
		case h == nil || h.owner != c:
			outcome = queue.WasLost
		case h.late:
			outcome = queue.WasLate
		default:
			outcome = queue.Moved
			h.late = true
			c.queue.timeout = append(c.queue.timeout, h.message)
		}
	})
	return outcome, nil
}

// Hold notes that the handle timeout has passed. A message in memory stays in hand
// anyway.
func (c *Consumer) Hold(_ context.Context, id queue.RunID) (outcome queue.Outcome, err error) {
	c.queue.do(func() {
		h := c.queue.hand[id]
		switch {
		case h == nil || h.owner != c:
			outcome = queue.WasLost
		case h.late:
			outcome = queue.WasLate
		default:
			outcome = queue.Moved
		}
	})
	return outcome, nil
}

// Withdraw ends a run well, and takes its message out of `timeout` if it was late.
func (c *Consumer) Withdraw(_ context.Context, id queue.RunID) (outcome queue.Outcome, err error) {
	c.queue.do(func() {
		switch h := c.take(id); {
		case h == nil:
			outcome = queue.WasLost
		case h.late && !c.queue.unpark(h.payload):
			outcome = queue.WasLate
		default:
			outcome = queue.Moved
			c.queue.done++
		}
	})
	return outcome, nil
}

// unpark removes one copy of a message from `timeout`. It is called under the lock.
func (q *Queue) unpark(payload []byte) bool {
	at := slices.IndexFunc(q.timeout, func(m message) bool { return bytes.Equal(m.payload, payload) })
	if at < 0 {
		return false
	}
	q.timeout = slices.Delete(q.timeout, at, at+1)
	return true
}

// Release puts messages whose run never began back, to be taken next.
func (c *Consumer) Release(_ context.Context, ids ...queue.RunID) error {
	c.queue.do(func() {
		var back []message
		for _, id := range ids {
			if h := c.take(id); h != nil && !h.late {
				back = append(back, h.message)
			}
		}
		c.queue.waiting = append(back, c.queue.waiting...)
	})
	return nil
}
