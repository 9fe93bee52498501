package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// compareEvery is how often a busy consumer compares its hand with Redis though nothing went wrong.
const compareEvery = 30 * time.Second

// compare gives back the runs that stand in the hand in Redis without being known here. A fail-over
// leaves such runs, since the promoted replica may not have heard of their end: unless somebody lets
// go of them, they stand there as long as the worker lives. It belongs behind an Exchange that
// succeeded. No other may be on the way meanwhile, so that no run can become known, and none may be
// unanswered: one that is brings the runs that its lost answer had kept back first.
func (c *Consumer) compare(ctx context.Context) error {
	c.exchanging.Lock()
	defer c.exchanging.Unlock()
	worker, err := c.life()
	if err != nil || !c.lanes.answered() {
		return nil // there is nothing to compare with, or it is too early
	}
	fields, err := c.queue.rdb.HKeys(ctx, c.queue.keys.hand(worker)).Result()
	if err != nil {
		return fmt.Errorf("comparing the hand of worker %s: %w", worker, err)
	}
	unknown := c.hand.unknown(parseRunIDs(fields))
	loss := c.cfg.Loss
	if loss == "" {
		loss = Park
	}
	for part := range slices.Chunk(unknown, batchLimit) {
		args := make([]any, 0, 3+len(part))
		args = append(args, worker, string(loss), c.cfg.MaxReloads)
		args = appendTexts(args, part)
		if err := scriptDisown.Run(ctx, c.queue.rdb, c.queue.keys.worker(worker), args...).Err(); err != nil {
			return fmt.Errorf("giving back runs that worker %s does not know: %w", worker, err)
		}
	}
	c.suspicious.Store(false)
	c.compared = time.Now()
	return nil
}

// mustCompare says whether the hand is to be compared: after an error of Redis, behind which a
// fail-over may stand, and now and then where there is much to do.
func (c *Consumer) mustCompare(acked int) bool {
	if c.suspicious.Load() {
		return true
	}
	c.exchanging.RLock()
	defer c.exchanging.RUnlock()
	return acked > 0 && time.Since(c.compared) > compareEvery
}

// unknown returns those of the runs that are not in hand, the latest first.
func (h *hand) unknown(ids []RunID) []RunID {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []RunID
	for _, id := range ids {
		if _, held := h.runs[id]; !held {
			found = append(found, id)
		}
	}
	slices.SortFunc(found, func(a, b RunID) int { return cmp.Compare(b, a) })
	return found
}
