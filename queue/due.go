package queue

import (
	"context"
	"errors"
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
	// less: one is due, something came to a channel at rest, or the keeper has yet to tend.
	In  time.Duration
	Err error
}

// DueIn asks, for many channels of one Redis in one pipelined round trip, when the next message falls
// due. It moves nothing, but costs a fiftieth of TendAll: it is for the time between two calls of that,
// to be in time for messages that were pushed since with a short delay. Retries that wait beside an equal
// message are known from the last Tend only. The results stand in the order of the keepers.
//
// Of a channel where the last Tend found no message to come and nobody to tend it, it is asked whether
// there is any now, with as many commands: so a push is noticed as soon where nobody waits for it.
func DueIn(ctx context.Context, rdb redis.UniversalClient, keepers []*Keeper) []DueResult {
	results := make([]DueResult, len(keepers))
	if len(keepers) == 0 {
		return results
	}
	pipe := rdb.Pipeline()
	answers := make([]redis.Cmder, len(keepers))
	for i, k := range keepers {
		if keys := k.queue.keys; k.isAtRest() {
			answers[i] = pipe.Exists(ctx, keys.waiting, keys.delayed)
		} else {
			answers[i] = pipe.ZRangeWithScores(ctx, keys.delayed, 0, 0)
		}
	}
	_, failed := pipe.Exec(ctx)
	if refused := redis.Error(nil); errors.As(failed, &refused) {
		failed = nil // Redis answered; which command it refused, the command tells
	}
	for i, k := range keepers {
		results[i] = k.dueIn(answers[i], failed)
	}
	return results
}

// isAtRest says that the last Tend found no message to come and nobody to tend the channel.
func (k *Keeper) isAtRest() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.atRest
}

// dueIn takes in how many keys hold messages, or the first entry of `delayed`. Failed is the error of
// the whole round trip: where no connection was made, the commands carry none of their own.
func (k *Keeper) dueIn(answer redis.Cmder, failed error) DueResult {
	var first []redis.Z
	var keys int64
	switch a := answer.(type) {
	case *redis.ZSliceCmd:
		first = a.Val()
	case *redis.IntCmd:
		keys = a.Val()
	}
	err := answer.Err()
	if err == nil && len(first) == 0 && keys == 0 {
		err = failed
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.watch.miss()
		return DueResult{Err: fmt.Errorf("looking for what is due in %s: %w", k.queue.channel, err)}
	}
	if k.clock.IsZero() || keys > 0 {
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
