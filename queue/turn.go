package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// TurnLease is how long a turn lasts that is not renewed, by the clock of Redis.
	TurnLease = 10 * time.Second
	// TurnFences is how many fence numbers belong to one turn.
	TurnFences = 1_000_000
)

// The scripts of the turn stand without the prelude: they touch no message.
var (
	scriptTurnTake = loadAlone("turn_take")
	scriptTurnGive = loadAlone("turn_give")
)

func loadAlone(name string) *redis.Script {
	body, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err)
	}
	return redis.NewScript(string(body))
}

// Turn is the right to run the messages of an exclusive queue: one worker has it at a time. Hyperf's
// consumers know nothing of it. All methods are safe for concurrent use.
type Turn struct {
	queue  *Queue
	holder string
}

// NewTurn returns a turn that has yet to be taken, under a name of its own.
func (q *Queue) NewTurn() *Turn {
	return &Turn{queue: q, holder: hostName() + "." + randomSuffix()}
}

// Take asks for the turn, or renews it for another TurnLease, which counts from before the call. Held
// says whether this worker has it. The turn's fence numbers are first to first + TurnFences - 1; first
// is the same as long as the turn was never lost in between, and otherwise greater than all numbers
// before.
//
// A fail-over of Redis that forgets a turn can give it to two workers until one lease has run out;
// the numbers tell them apart.
func (t *Turn) Take(ctx context.Context) (first uint64, held bool, err error) {
	args := []any{t.holder, TurnLease.Milliseconds(), TurnFences}
	answer, err := runList(ctx, t.queue.rdb, scriptTurnTake, t.keys(), args...)
	if err == nil {
		err = answer.need(2)
	}
	if err == nil && answer.int(0) == 1 {
		first, err = strconv.ParseUint(answer.text(1), 10, 64)
	}
	if err != nil {
		return 0, false, fmt.Errorf("taking the turn of %s: %w", t.queue.channel, err)
	}
	return first, answer.int(0) == 1, nil
}

// Give ends the turn, if this worker has it, so that the next need not wait for the lease to run out.
func (t *Turn) Give(ctx context.Context) error {
	if err := scriptTurnGive.Run(ctx, t.queue.rdb, t.keys(), t.holder).Err(); err != nil {
		return fmt.Errorf("giving up the turn of %s: %w", t.queue.channel, err)
	}
	return nil
}

func (t *Turn) keys() []string { return []string{t.queue.keys.turn, t.queue.keys.fence} }
