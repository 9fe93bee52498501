package queue

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// call is one script call of a pipeline, and its answer.
type call struct {
	script *redis.Script
	keys   []string
	args   []any

	answer reply
	err    error
}

// pipeline runs script calls in one round trip, and those whose script Redis did not know in a
// second one. Each call has its own error.
func pipeline(ctx context.Context, rdb redis.UniversalClient, calls []call) {
	if len(calls) == 0 {
		return
	}
	all := make([]int, len(calls))
	for i := range calls {
		all[i] = i
	}
	roundTrip(ctx, rdb, calls, all, (*redis.Script).EvalSha)
	var unknown []int
	for i := range calls {
		if redis.HasErrorPrefix(calls[i].err, "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) > 0 {
		roundTrip(ctx, rdb, calls, unknown, (*redis.Script).Eval)
	}
}

type runner func(s *redis.Script, ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd

func roundTrip(ctx context.Context, rdb redis.UniversalClient, calls []call, which []int, run runner) {
	pipe := rdb.Pipeline()
	answers := make([]*redis.Cmd, len(which))
	for n, i := range which {
		answers[n] = run(calls[i].script, ctx, pipe, calls[i].keys, calls[i].args...)
	}
	_, failed := pipe.Exec(ctx)
	for n, i := range which {
		values, err := answers[n].Slice()
		if failed != nil && answers[n].Err() == nil && answers[n].Val() == nil {
			err = failed // no connection was made: the commands carry no error of their own
		}
		calls[i].answer, calls[i].err = reply{values}, err
	}
}
