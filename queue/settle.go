package queue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxReason bounds the bytes of a reason that is kept beside a failed message.
const maxReason = 1000

// Retry ends a run whose message is to be tried again after the delay, with a payload that counts
// one attempt more. A late run is not retried: its message stays in timeout (WasLate).
//
// Like all moves that end a run it may be repeated until it succeeds.
func (c *Consumer) Retry(ctx context.Context, id RunID, payload []byte, delay time.Duration) (Outcome, error) {
	return c.end(ctx, "retrying", scriptRetry, id, milliseconds(delay), payload)
}

// Requeue ends a run whose message is to come again after the delay, as it is.
func (c *Consumer) Requeue(ctx context.Context, id RunID, delay time.Duration) (Outcome, error) {
	return c.end(ctx, "requeueing", scriptRetry, id, milliseconds(delay))
}

// Fail ends a run whose message is not to be tried again: it goes to failed, and the reason is kept
// beside it (its first 1000 bytes; see Queue.Reasons). A late one stays in timeout (WasLate).
func (c *Consumer) Fail(ctx context.Context, id RunID, reason string) (Outcome, error) {
	return c.end(ctx, "failing", scriptFail, id, clip(reason))
}

// Expire tells that the handle deadline of a run has passed: its message goes to timeout, while the
// run goes on and keeps its slot. Its later end changes nothing any more. WasLate means that the
// message stood there already.
func (c *Consumer) Expire(ctx context.Context, id RunID) (Outcome, error) {
	return c.settle(ctx, "expiring", scriptExpire, id)
}

// Hold tells that the handle deadline of a run has passed and its message is to stay in hand until the
// run ends: it leaves reserved, so that nobody takes it for overdue, and Retry, Requeue and Fail move it as
// if it were in time. WasLate means that it was expired before, and stands in timeout.
func (c *Consumer) Hold(ctx context.Context, id RunID) (Outcome, error) {
	return c.settle(ctx, "holding", scriptHold, id)
}

// Withdraw ends a run that went well after Expire: its message is done, and leaves timeout. Of equal
// messages that stand there, one goes. WasLate means that it was there no more, since somebody reloaded it.
func (c *Consumer) Withdraw(ctx context.Context, id RunID) (Outcome, error) {
	return c.end(ctx, "withdrawing", scriptWithdraw, id)
}

// Release gives back runs that have not started, as the next messages to be taken. It counts no
// attempt. Ids that are no longer in hand are passed over.
func (c *Consumer) Release(ctx context.Context, ids ...RunID) error {
	worker, err := c.life()
	if err != nil {
		return fmt.Errorf("releasing: %w", err)
	}
	for len(ids) > 0 {
		part := ids[:min(len(ids), batchLimit)]
		args := make([]any, 0, 1+len(part))
		args = append(args, worker)
		args = appendTexts(args, part)
		if err := scriptRelease.Run(ctx, once{c.queue.rdb}, c.queue.keys.worker(worker), args...).Err(); err != nil {
			c.hand.doubt(part...)
			c.suspicious.Store(true)
			return fmt.Errorf("releasing as worker %s: %w", worker, err)
		}
		c.hand.drop(part...)
		ids = ids[len(part):]
	}
	return nil
}

// end runs a script after which the run is not in hand any more.
func (c *Consumer) end(ctx context.Context, doing string, s *redis.Script, id RunID, more ...any) (Outcome, error) {
	outcome, err := c.settle(ctx, doing, s, id, more...)
	if err != nil {
		c.hand.doubt(id)
		return 0, err
	}
	c.hand.drop(id)
	return outcome, nil
}

func (c *Consumer) settle(ctx context.Context, doing string, s *redis.Script, id RunID, more ...any) (Outcome, error) {
	worker, err := c.life()
	if err != nil {
		return WasLost, nil //nolint:nilerr // without a life in Redis nothing is in hand
	}
	args := append([]any{worker, id.String()}, more...)
	code, err := s.Run(ctx, once{c.queue.rdb}, c.queue.keys.worker(worker), args...).Int()
	if err != nil {
		c.suspicious.Store(true)
		return 0, fmt.Errorf("%s run %s: %w", doing, id, err)
	}
	outcome := Outcome(code)
	if outcome == WasLost && c.hand.isUnsure(id) {
		outcome = Moved
	}
	return outcome, nil
}

// clip makes a reason short and valid UTF-8, since it is kept as JSON.
func clip(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return strings.ToValidUTF8(reason, "?")
}
