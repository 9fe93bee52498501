package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestProbeLeavesNothing(t *testing.T) {
	q := newTestQueue(t)
	if err := q.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := keysLike(t, q, q.Channel()); len(left) > 0 {
		t.Errorf("keys left: %v", left)
	}
}

func TestProbeNamesTheMissingCommand(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, addr)
	for _, command := range writeCommands {
		t.Run(command, func(t *testing.T) {
			q := limitedQueue(t, admin, addr, command)
			err := q.Probe(t.Context())
			if err == nil || !strings.Contains(err.Error(), "the command "+command+":") {
				t.Errorf("probing without %s: %v", command, err)
			}
		})
	}
}

// What the probe can name is what scripts and clients use.
func TestProbeKnowsEveryCommand(t *testing.T) {
	q := newTestQueue(t)
	p := &probe{ctx: t.Context(), queue: q}
	var named []string
	for _, right := range p.rights() {
		if err := q.rdb.Process(t.Context(), redis.NewCmd(t.Context(), right...)); err != nil && !errors.Is(err, redis.Nil) &&
			!redis.HasErrorPrefix(err, "NOSCRIPT") && right[0] != "evalsha" {
			t.Errorf("%v: %v", right, err)
		}
		named = append(named, strings.ToUpper(fmt.Sprint(right[0])))
	}
	slices.Sort(named)
	if diff := cmp.Diff(slices.Sorted(slices.Values(knownCommands)), named); diff != "" {
		t.Errorf("commands (-used +named):\n%s", diff)
	}
}

// writeCommands are all commands by which scripts change data.
var writeCommands = []string{
	"zadd", "hset", "rpop", "lpush", "rpush", "lmove", "incrby", "hdel", "zrem", "zremrangebyscore", "hincrby", "expire", "ltrim", "lrem", "set",
}

// limitedQueue returns a queue of a Redis user who may not use one command.
func limitedQueue(t *testing.T, admin *redis.Client, addr, command string) *Queue {
	t.Helper()
	user := "no-" + command
	if err := admin.Do(t.Context(), "acl", "setuser", user, "on", ">pw", "~*", "&*", "+@all", "-"+command).Err(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr, Username: user, Password: "pw", MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	q, err := New(rdb, fmt.Sprintf("{%s}", command))
	if err != nil {
		t.Fatal(err)
	}
	return q
}
