package poll_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"

	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

// deathPromise is within how long what a dead worker held is back; a test fails
// only beyond four times as much.
const deathPromise = 10 * time.Second

// The one pod of a queue crashes over and over: each life registers, tends for a
// moment and is gone, so that no worker ever watches another for long enough. The
// poller does.
func TestFindsTheDeadBesideACrashLoop(t *testing.T) {
	addr := redistest.Start(t)
	ctx := t.Context()
	q, err := queue.New(client(t, addr), "{crashing}")
	if err != nil {
		t.Fatal(err)
	}
	born := func(id string) *queue.Consumer {
		t.Helper()
		c, err := q.NewConsumer(queue.ConsumerConfig{ID: id, HandleTimeout: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Register(ctx); err != nil {
			t.Fatal(err)
		}
		return c
	}
	p := poll.New(poll.Config{Log: testr.New(t)})
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Start(ctx) }()
	t.Cleanup(func() { <-done })
	target := redisTarget(addr, "{crashing}")
	target.Redeliver, target.MaxReloads = true, 3
	p.Watch(orders, target)

	if err := q.Push(ctx, []byte("held")); err != nil {
		t.Fatal(err)
	}
	if answer, err := born("life-0").Exchange(ctx, nil, 1); err != nil || len(answer.Runs) != 1 {
		t.Fatal(answer, err)
	}
	died := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for life := 1; ; life++ {
		<-tick.C
		counts, err := q.Counts(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		if counts.Waiting == 1 && counts.Reserved == 0 {
			break
		}
		if time.Since(died) > 4*deathPromise {
			t.Fatalf("after %v: %+v", time.Since(died), counts)
		}
		born(fmt.Sprintf("life-%d", life))
		if _, err := q.NewKeeper(queue.KeeperConfig{}).Tend(ctx); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("back after %v", time.Since(died).Round(100*time.Millisecond))
}
