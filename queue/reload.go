package queue

import (
	"context"
	"fmt"
)

// ReloadOptions bounds a reload.
type ReloadOptions struct {
	Max        int // how many messages at most; 0: all that stand there at the start
	MaxReloads int // redeliveries of a message from timeout before it goes to failed; 0: no bound
}

// ReloadResult says what a reload did.
type ReloadResult struct {
	Moved    int // back on waiting
	Poisoned int // sent to failed, since they were redelivered too often
	Skipped  int // left in timeout, since their run still works
}

// Reload puts messages from timeout or failed back on waiting, oldest first. It does not reset
// attempts: a message that failed its last one gets one run. Messages whose late run still works
// stay in timeout. On an error the result tells what was done before it.
func (q *Queue) Reload(ctx context.Context, from State, o ReloadOptions) (ReloadResult, error) {
	var all ReloadResult
	if from != Timeout && from != Failed {
		return all, fmt.Errorf("reloading %s: want %s or %s", from, Timeout, Failed)
	}
	if o.Max < 0 || o.MaxReloads < 0 {
		return all, fmt.Errorf("reloading %s: want no negative bounds", from)
	}
	left := int64(o.Max)
	for first := true; ; first = false {
		limit := int64(reloadBatch)
		if !first || left > 0 {
			limit = min(left, limit)
		}
		answer, err := runList(ctx, q.rdb, scriptReload, q.keys.channel(), string(from), limit, o.MaxReloads)
		if err == nil {
			err = answer.need(4)
		}
		if err != nil {
			return all, fmt.Errorf("reloading %s of %s: %w", from, q.channel, err)
		}
		if first && o.Max == 0 {
			left = answer.int(3)
		}
		moved := answer.int(0) + answer.int(1)
		all.Moved += int(answer.int(0))
		all.Poisoned += int(answer.int(1))
		all.Skipped = int(answer.int(2))
		if left -= moved; left <= 0 || moved < limit {
			return all, nil
		}
	}
}

// reloadBatch is how many messages one script call moves.
const reloadBatch = 500

// Flush removes all messages of a state and returns how many went. Flushing waiting and delayed
// also removes what waits beside them; messages that a worker has taken are not touched, and
// flushing reserved does not end our runs: it removes the reservations of Hyperf consumers for good.
func (q *Queue) Flush(ctx context.Context, s State) (int64, error) {
	if _, err := ParseState(string(s)); err != nil {
		return 0, fmt.Errorf("flushing: %w", err)
	}
	gone, err := scriptFlush.Run(ctx, once{q.rdb}, q.keys.channel(), string(s)).Int64()
	if err != nil {
		return 0, fmt.Errorf("flushing %s of %s: %w", s, q.channel, err)
	}
	return gone, nil
}
