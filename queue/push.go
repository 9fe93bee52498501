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
	if len(payloads) == 0 {
		return nil
	}
	args := make([]any, 0, 2+len(payloads))
	args = append(args, "lpush", q.keys.waiting)
	for _, p := range payloads {
		args = append(args, p)
	}
	cmd := sentOnce{redis.NewCmd(ctx, args...)}
	if err := q.rdb.Process(ctx, cmd); err != nil {
		return pushError(q.keys.waiting, err)
	}
	return nil
}

// PushDelayed puts messages on the channel that are due after the delay, exact to the millisecond
// by the clock of Redis. It returns how many of them were new: a payload that waits there already
// is not doubled but moved to the new time. After a lost answer (ErrUnknownOutcome) it may be repeated
// while the delay lasts; later the first copy may be on its way already, and a repetition adds another.
func (q *Queue) PushDelayed(ctx context.Context, delay time.Duration, payloads ...[]byte) (added int, err error) {
	if len(payloads) == 0 {
		return 0, nil
	}
	args := make([]any, 0, 1+len(payloads))
	args = append(args, milliseconds(delay))
	for _, p := range payloads {
		args = append(args, p)
	}
	added, err = scriptPushDelayed.Run(ctx, once{q.rdb}, q.keys.channel(), args...).Int()
	if err != nil {
		return 0, pushError(q.keys.delayed, err)
	}
	return added, nil
}

func milliseconds(d time.Duration) int64 {
	return max(0, d.Milliseconds())
}
