package queue

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// sentOnce keeps the client from sending a command again whose answer was lost. Many clients do so by
// default; then the second answer of a call that ends a run would say that the run was lost.
type sentOnce struct{ *redis.Cmd }

// NoRetry is asked by the client.
func (sentOnce) NoRetry() bool { return true }

// processor is what carries out a command: a client, or one connection of it.
type processor interface {
	redis.Scripter
	Process(ctx context.Context, cmd redis.Cmder) error
}

// once runs scripts that are sent once.
type once struct{ processor }

// EvalSha runs a script that Redis knows.
func (o once) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return o.send(ctx, "evalsha", sha, keys, args)
}

// Eval runs a script and makes it known to Redis.
func (o once) Eval(ctx context.Context, source string, keys []string, args ...any) *redis.Cmd {
	return o.send(ctx, "eval", source, keys, args)
}

func (o once) send(ctx context.Context, name, script string, keys []string, args []any) *redis.Cmd {
	words := make([]any, 0, 3+len(keys)+len(args))
	words = append(words, name, script, len(keys))
	for _, key := range keys {
		words = append(words, key)
	}
	cmd := redis.NewCmd(ctx, append(words, args...)...)
	_ = o.Process(ctx, sentOnce{cmd}) // the command carries its error
	return cmd
}
