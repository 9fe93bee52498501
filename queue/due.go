package queue

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/redis/go-redis/v9"
)

// Never is how long it is until a message falls due where none is delayed.
const Never = time.Duration(math.MaxInt64)

// DueResult is the answer about one keeper's channel in DueIn.
type DueResult struct {
	// In is the time until the first delayed message falls due, by the clock of Redis, or Never. Zero or
	// less: one is due, or the keeper has yet to tend.
	In  time.Duration
	Err error
}

// DueIn asks, for many channels of one Redis in one pipelined round trip, when the next message falls
// due. It moves nothing, but costs a fiftieth of TendAll: it is for the time between two calls of that,
// to be in time for messages that were pushed since with a short delay. Retries that wait beside an equal
// message are known from the last Tend only. The results stand in the order of the keepers.
func DueIn(ctx context.Context, rdb redis.UniversalClient, keepers []*Keeper) []DueResult {
	results := make([]DueResult, len(keepers))
	if len(keepers) == 0 {
		return results
	}
	pipe := rdb.Pipeline()
	answers := make([]*redis.ZSliceCmd, len(keepers))
	for i, k := range keepers {
		answers[i] = pipe.ZRangeWithScores(ctx, k.queue.keys.delayed, 0, 0)
	}
	_, failed := pipe.Exec(ctx)
	for i, k := range keepers {
		first, err := answers[i].Result()
		if failed != nil && err == nil && first == nil {
			err = failed // no connection was made: the commands carry no error of their own
		}
		results[i] = k.dueIn(first, err)
	}
	return results
}

// dueIn takes in the first entry of `delayed`, if there is one.
func (k *Keeper) dueIn(first []redis.Z, err error) DueResult {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.watch.miss()
		return DueResult{Err: fmt.Errorf("looking for what is due in %s: %w", k.queue.channel, err)}
	}
	if k.clock.IsZero() {
		return DueResult{}
	}
	now := k.clock.Add(time.Since(k.asked))
	in := Never
	if !k.next.IsZero() {
		in = k.next.Sub(now)
	}
	if len(first) > 0 {
		in = min(in, scoreTime(first[0].Score).Sub(now))
	}
	return DueResult{In: in}
}

// scoreTime reads a score of `delayed`, which anybody may have written.
func scoreTime(seconds float64) time.Time {
	return time.UnixMicro(int64(min(max(seconds, 0), 1e11) * 1e6))
}
