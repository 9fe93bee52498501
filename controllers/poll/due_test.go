package poll_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

// Messages with short delays at a queue that never had a worker, and at one whose only worker dies without
// a word, are moved in time. A test fails only beyond four times the promise.
func TestMovesWhatWasPushedBetweenTwoLooks(t *testing.T) {
	addr := redistest.Start(t)
	ctx, rdb := t.Context(), client(t, addr)
	p := poll.New(poll.Config{Log: testr.New(t)})
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Start(ctx) }()
	t.Cleanup(func() { <-done })
	for name, worked := range map[string]bool{"{asleep}": false, "{bereft}": true} {
		t.Run(name, func(t *testing.T) {
			if worked {
				q, err := queue.New(rdb, name)
				if err != nil {
					t.Fatal(err)
				}
				c, err := q.NewConsumer(queue.ConsumerConfig{ID: "w"})
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Register(ctx); err != nil {
					t.Fatal(err)
				}
				if got, err := c.Beat(ctx, queue.Load{}); err != nil || !got.Tender {
					t.Fatal(got, err)
				}
			}
			p.Watch(orders, redisTarget(addr, name))
			latest := time.Duration(0)
			for i := range 12 {
				now, err := rdb.Time(ctx).Result()
				if err != nil {
					t.Fatal(err)
				}
				due := now.Add(time.Duration(i%4) * 60 * time.Millisecond)
				if err := rdb.ZAdd(ctx, name+":delayed", redis.Z{Score: float64(due.UnixMicro()) / 1e6, Member: fmt.Sprint(i)}).Err(); err != nil {
					t.Fatal(err)
				}
				// Redis tells nobody of a change: looked at every 2 ms, until a deadline.
				for deadline := time.Now().Add(10 * time.Second); rdb.LLen(ctx, name+":waiting").Val() <= int64(i); time.Sleep(2 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("it was never moved")
					}
				}
				if now, err = rdb.Time(ctx).Result(); err != nil {
					t.Fatal(err)
				}
				latest = max(latest, now.Sub(due))
			}
			t.Logf("late by %v at most", latest.Round(time.Millisecond))
			if latest > 4*promise {
				t.Errorf("late by %v, want %v", latest, promise)
			}
		})
	}
}

// The first message of a queue that sleeps wakes it long before the next look at all queues.
func TestNoticesTheFirstMessageOfASleepingQueue(t *testing.T) {
	addr := redistest.Start(t)
	ctx, rdb := t.Context(), client(t, addr)
	p := poll.New(poll.Config{Log: testr.New(t), Interval: time.Minute})
	woken := make(chan types.NamespacedName, 10)
	p.OnWake(func(key types.NamespacedName) { woken <- key })
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Start(ctx) }()
	t.Cleanup(func() { <-done })
	await := func(what string, waiting int64) {
		t.Helper()
		for deadline := time.After(20 * time.Second); ; {
			select {
			case <-woken:
				if seen := p.Latest(orders); seen.Known() && seen.Backlog.Waiting == waiting {
					return
				}
			case <-deadline:
				t.Fatalf("%s was not noticed: %+v", what, p.Latest(orders))
			}
		}
	}
	p.Watch(orders, redisTarget(addr, "{asleep}"))
	await("the queue", 0)
	if err := rdb.LPush(ctx, "{asleep}:waiting", "m").Err(); err != nil {
		t.Fatal(err)
	}
	await("the first message", 1)
}
