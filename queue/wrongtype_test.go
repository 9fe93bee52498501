package queue

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/internal/redistest"
)

// moves are all calls that change a channel, on a consumer that holds the runs "a", "b" (late) and "c".
var moves = map[string]func(ctx context.Context, q *Queue, c *Consumer, runs []Run) error{
	"push delayed": func(ctx context.Context, q *Queue, _ *Consumer, _ []Run) error {
		_, err := q.PushDelayed(ctx, time.Minute, []byte("new"))
		return err
	},
	"exchange": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Exchange(ctx, idsOf(runs), 10)
		return err
	},
	"retry": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Retry(ctx, runs[0].ID, []byte("a+1"), time.Minute)
		return err
	},
	"retry beside": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Retry(ctx, runs[0].ID, []byte("later"), time.Minute)
		return err
	},
	"retry late": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Retry(ctx, runs[1].ID, []byte("b+1"), time.Minute)
		return err
	},
	"fail": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Fail(ctx, runs[0].ID, "why")
		return err
	},
	"hold": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Hold(ctx, runs[0].ID)
		return err
	},
	"withdraw": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Withdraw(ctx, runs[1].ID)
		return err
	},
	"expire": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		_, err := c.Expire(ctx, runs[0].ID)
		return err
	},
	"release": func(ctx context.Context, _ *Queue, c *Consumer, runs []Run) error {
		return c.Release(ctx, idsOf(runs)...)
	},
	"beat": func(ctx context.Context, _ *Queue, c *Consumer, _ []Run) error {
		_, err := c.Beat(ctx, Load{})
		return err
	},
	"leave": func(ctx context.Context, _ *Queue, c *Consumer, _ []Run) error { return c.Leave(ctx) },
	"leave with redelivery": func(ctx context.Context, q *Queue, c *Consumer, _ []Run) error {
		_, err := runList(ctx, q.rdb, scriptSweep, q.keys.worker(c.ID()), sweepArgs(c.ID(), "", Redeliver, 1)...)
		return err
	},
	"tend": func(ctx context.Context, q *Queue, _ *Consumer, _ []Run) error {
		_, err := q.NewKeeper(KeeperConfig{}).Tend(ctx)
		return err
	},
	"reload timeout": func(ctx context.Context, q *Queue, _ *Consumer, _ []Run) error {
		_, err := q.Reload(ctx, Timeout, ReloadOptions{MaxReloads: 1})
		return err
	},
	"reload failed": func(ctx context.Context, q *Queue, _ *Consumer, _ []Run) error {
		_, err := q.Reload(ctx, Failed, ReloadOptions{})
		return err
	},
}

// furnish fills every key of a channel, and returns a consumer that holds "a", "b" (late) and "c".
func furnish(t *testing.T, q *Queue) (*Consumer, []Run) {
	t.Helper()
	ctx := t.Context()
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustPush(t, q, "r1", "r2")
	for _, run := range mustExchange(t, c, nil, 2).Runs {
		if _, err := c.Retry(ctx, run.ID, []byte("later"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	mustPush(t, q, "a", "b", "c", "a")
	runs := mustExchange(t, c, nil, 4).Runs
	if _, err := c.Expire(ctx, runs[1].ID); err != nil {
		t.Fatal(err)
	}
	mustPush(t, q, "inbox")
	if found, err := c.Await(ctx, time.Second); err != nil || !found {
		t.Fatal(found, err)
	}
	mustPush(t, q, "w1", "w2")
	if _, err := q.PushDelayed(ctx, 0, []byte("due")); err != nil {
		t.Fatal(err)
	}
	fill(t, q, q.keys.timeout, "t1", "poison")
	fill(t, q, q.keys.failed, "f1")
	for _, payload := range []string{"poison", "c"} {
		if err := q.rdb.HSet(ctx, q.keys.redelivered, digest(payload), 5).Err(); err != nil {
			t.Fatal(err)
		}
	}
	hyperfReserve(t, q, "foreign", -time.Minute)
	return c, runs
}

// Whatever key is of a wrong type, no move changes anything, and the error names the key.
func TestAKeyOfAWrongTypeStopsEveryMove(t *testing.T) {
	for name, move := range moves {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			c, runs := furnish(t, q)
			keys := append(q.keys.channel(), q.keys.hand(c.ID()), q.keys.inbox(c.ID()))
			for _, key := range keys {
				if (name == "tend" || strings.HasPrefix(name, "reload") || name == "push delayed") && strings.HasSuffix(key, c.ID()) {
					continue // does not touch the keys of workers
				}
				withWrongType(t, q, key, func() {
					before := snapshotExcept(t, q, key)
					err := move(t.Context(), q, c, runs)
					if err == nil || !strings.Contains(err.Error(), "key "+key+" holds a stream") {
						t.Errorf("%s: %v", key, err)
					}
					if diff := cmp.Diff(before, snapshotExcept(t, q, key)); diff != "" {
						t.Errorf("%s changed (-before +after):\n%s", key, diff)
					}
				})
			}
			if err := move(t.Context(), q, c, runs); err != nil {
				t.Errorf("with the right types again: %v", err)
			}
		})
	}
}

// withWrongType puts a stream into the place of a key while fn runs.
func withWrongType(t *testing.T, q *Queue, key string, fn func()) {
	t.Helper()
	ctx := t.Context()
	aside := key + ":aside"
	had := q.rdb.Exists(ctx, key).Val() == 1
	if had {
		if err := q.rdb.Rename(ctx, key, aside).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.rdb.Do(ctx, "xadd", key, "*", "a", "b").Err(); err != nil {
		t.Fatal(err)
	}
	fn()
	if err := q.rdb.Del(ctx, key).Err(); err != nil {
		t.Fatal(err)
	}
	if had {
		if err := q.rdb.Rename(ctx, aside, key).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshotExcept is the raw content of all keys but one.
func snapshotExcept(t *testing.T, q *Queue, but string) map[string]string {
	t.Helper()
	dump := map[string]string{}
	for _, key := range keysLike(t, q, q.Channel()) {
		if key == but {
			continue
		}
		content, err := q.rdb.Dump(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		dump[key] = content
	}
	return dump
}

// A command that the Redis user may not use stops a move in its middle. Scripts do not roll back:
// what was there may then be there twice, but never be gone.
func TestAMoveThatIsCutShortLeavesNoHole(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, addr)
	for _, command := range slices.Concat(writeCommands, []string{"del", "zmscore", "hget", "zscore", "hmget", "lpos", "hvals", "exists"}) {
		t.Run(command, func(t *testing.T) {
			limited := limitedQueue(t, admin, addr, command)
			for name, move := range moves {
				t.Run(name, func(t *testing.T) {
					q, err := New(admin, "{"+t.Name()+"}")
					if err != nil {
						t.Fatal(err)
					}
					c, runs := furnish(t, q)
					before := snapshotOf(t, q).standing()
					c.queue = &Queue{rdb: limited.rdb, channel: q.channel, keys: q.keys}
					moveErr := move(t.Context(), c.queue, c, runs)
					after := snapshotOf(t, q).standing()
					if name == "exchange" { // its acknowledged runs are done
						for _, payload := range payloadsOf(runs) {
							before[payload]--
						}
					}
					if name == "withdraw" { // its message is done
						before["b"]--
					}
					if name == "retry" || name == "retry beside" {
						before["a"]--
						after["a"] += after["a+1"] + after["later"] - before["later"]
						before["a"]++
					}
					for payload, n := range before {
						if after[payload] < n {
							t.Errorf("%q stands %d times, before %d times (error: %v)", payload, after[payload], n, moveErr)
						}
					}
				})
			}
		})
	}
}

// Workers repeat what was refused until it sticks, for hours if need be: that must not double a message
// with each repetition.
func TestARefusedMoveMayBeRepeated(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, addr)
	for _, command := range writeCommands {
		t.Run(command, func(t *testing.T) {
			limited := limitedQueue(t, admin, addr, command)
			for name, move := range moves {
				t.Run(name, func(t *testing.T) {
					q, err := New(admin, "{"+t.Name()+"}")
					if err != nil {
						t.Fatal(err)
					}
					c, runs := furnish(t, q)
					c.queue = &Queue{rdb: limited.rdb, channel: q.channel, keys: q.keys}
					if err := move(t.Context(), c.queue, c, runs); err == nil {
						return // it does without this command
					}
					once := snapshotOf(t, q).standing()
					for range 3 {
						_ = move(t.Context(), c.queue, c, runs) // it is refused, or succeeds at last
					}
					for payload, n := range snapshotOf(t, q).standing() {
						if n > once[payload] {
							t.Errorf("%q stands %d times, after the first refusal %d times", payload, n, once[payload])
						}
					}
				})
			}
		})
	}
}
