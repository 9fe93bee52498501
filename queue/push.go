package queue

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Push puts messages on the channel, the first one to be taken first, in one command: all or none.
//
// An error that wraps ErrUnknownOutcome means that the answer was lost and the messages may stand
// there; after any other error they do not. Push never re-sends by itself.
func (q *Queue) Push(ctx context.Context, payloads ...[]byte) error {
	return q.push(ctx, q.rdb, payloads)
}

func (q *Queue) push(ctx context.Context, to processor, payloads [][]byte) error {
	if len(payloads) == 0 {
		return nil
	}
	args := make([]any, 0, 2+len(payloads))
	args = append(args, "lpush", q.keys.waiting)
	for _, p := range payloads {
		args = append(args, p)
	}
	cmd := sentOnce{redis.NewCmd(ctx, args...)}
	if err := to.Process(ctx, cmd); err != nil {
		return pushError(q.keys.waiting, err)
	}
	return nil
}

// PushDelayed puts messages on the channel that are due after the delay, exact to the millisecond
// by the clock of Redis. It returns how many of them were new: a payload that waits there already
// is not doubled but moved to the new time, which is how a message with a unique id (its bytes depend on
// nothing else) is pushed once. Like Push it never re-sends by itself. After a lost answer
// (ErrUnknownOutcome) it may be repeated while the delay lasts: the first copy then moves. Later that may
// be on its way already, and a repetition adds another.
func (q *Queue) PushDelayed(ctx context.Context, delay time.Duration, payloads ...[]byte) (added int, err error) {
	return q.pushDelayed(ctx, q.rdb, delay, payloads)
}

func (q *Queue) pushDelayed(ctx context.Context, to processor, delay time.Duration, payloads [][]byte) (added int, err error) {
	if len(payloads) == 0 {
		return 0, nil
	}
	args := make([]any, 0, 1+len(payloads))
	args = append(args, milliseconds(delay))
	for _, p := range payloads {
		args = append(args, p)
	}
	added, err = scriptPushDelayed.Run(ctx, once{to}, q.keys.channel(), args...).Int()
	if err != nil {
		return 0, pushError(q.keys.delayed, err)
	}
	return added, nil
}

func milliseconds(d time.Duration) int64 {
	return max(0, d.Milliseconds())
}
