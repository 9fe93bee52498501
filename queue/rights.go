package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// rights are all commands that a worker needs, each in a form that changes nothing which the end of a
// probe does not remove. What Redis 7 says about a command that a script may not use has no name in it;
// sent by a client, the command is named.
func (p *probe) rights() [][]any {
	k := p.queue.keys
	return [][]any{
		{"blmove", k.waiting, k.timeout, "right", "left", "0.01"},
		{"eval", "return 1", 0},
		{"evalsha", scriptBeat.Hash(), 0},
		{"exists", k.waiting}, {"type", k.waiting}, {"time"},
		{"get", k.turn}, {"set", k.turn, "probe", "px", 1000}, {"incrby", k.tokens, 1}, {"expire", k.redelivered, 60}, {"pexpire", k.turn, 1000},
		{"hset", k.workers, "probe", ""}, {"hget", k.workers, "probe"}, {"hgetall", k.workers}, {"hexists", k.workers, "probe"},
		{"hkeys", k.workers}, {"hvals", k.workers}, {"hlen", k.workers}, {"hmget", k.workers, "probe"}, {"hrandfield", k.equal, 1},
		{"hincrby", k.equal, "probe", 0}, {"hdel", k.workers, "probe"},
		{"lpush", k.timeout, "probe"}, {"rpush", k.timeout, "probe"}, {"lrange", k.timeout, 0, 0}, {"lindex", k.timeout, 0},
		{"llen", k.timeout}, {"lpos", k.timeout, "probe"}, {"lmove", k.timeout, k.failed, "left", "right"},
		{"rpop", k.timeout}, {"lrem", k.timeout, 0, "probe"}, {"ltrim", k.failed, 0, 0},
		{"zadd", k.delayed, 0, "probe"}, {"zincrby", k.delayed, 1, "probe"}, {"zcard", k.delayed}, {"zcount", k.delayed, 0, 0},
		{"zscore", k.delayed, "probe"}, {"zmscore", k.delayed, "probe"}, {"zrange", k.delayed, 0, 0}, {"zrevrange", k.delayed, 0, 0},
		{"zrangebyscore", k.delayed, 0, 0}, {"zremrangebyscore", k.delayed, 0, 0}, {"zrem", k.delayed, "probe"},
		{"del", k.delayed},
	}
}

// name adds the name of the command to an error about one that a script may not use.
func (p *probe) name(err error) error {
	var answer redis.Error
	if !errors.As(err, &answer) || !strings.Contains(answer.Error(), "can't run this command") {
		return err
	}
	for _, right := range p.rights() {
		said := p.queue.rdb.Process(context.WithoutCancel(p.ctx), redis.NewCmd(p.ctx, right...))
		if redis.HasErrorPrefix(said, "NOPERM") {
			return fmt.Errorf("this user may not use the command %s: %w", right[0], err)
		}
	}
	return err
}
