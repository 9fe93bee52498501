package queue

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestOnePushWakesOneWorker(t *testing.T) {
	q := newTestQueue(t)
	const workers = 30
	woken := make(chan bool, workers)
	var ready sync.WaitGroup
	for range workers {
		c := newTestConsumer(t, q, ConsumerConfig{})
		ready.Add(1)
		go func() {
			ready.Done()
			found, err := c.Await(context.Background(), 2*time.Second)
			woken <- found && err == nil
		}()
	}
	ready.Wait()
	eventually(t, 5*time.Second, "all to be blocked", func() bool {
		info, err := nodeOf(t, q).ClientList(t.Context()).Result()
		return err == nil && countBlocked(info, "blmove") >= workers
	})
	mustPush(t, q, "a")
	count := 0
	for range workers {
		if <-woken {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d workers were woken", count)
	}
	wantState(t, q, snapshot{"inbox": {"a"}})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if found, err := c.Await(ctx, 2*time.Second); found || !errors.Is(err, context.Canceled) {
		t.Error(found, err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
	mustPush(t, q, "a") // the call that was given up takes it
	eventually(t, 3*time.Second, "the message in the inbox", func() bool { return len(snapshotOf(t, q)["inbox"]) == 1 })
	if runs := mustExchange(t, c, nil, 1).Runs; len(runs) != 1 {
		t.Errorf("%v", runs)
	}
}

func TestAwaitTimesOut(t *testing.T) {
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{})
	for _, wait := range []time.Duration{-1, 0, 50 * time.Millisecond} {
		if found, err := c.Await(t.Context(), wait); found || err != nil {
			t.Error(wait, found, err)
		}
	}
}

// A process that was frozen for long may have been swept: it must ask before it takes a message.
func TestAStaleWorkerAsksFirst(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	c.contact = time.Now().Add(-staleAfter - time.Second)
	if found, err := c.Await(t.Context(), time.Second); !found || err != nil {
		t.Error(found, err)
	}
	wantState(t, q, snapshot{"waiting": {"a"}})
}

// Over maxmemory pushes are refused, but what is there drains, and no message is lost.
func TestDrainingOverMaxmemory(t *testing.T) {
	addr := redistest.Start(t)
	q, err := New(newTestClient(t, addr), "{full}")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	mustPush(t, q, "ack", "retry", "fail", "expire", "release", "left")
	if _, err := q.PushDelayed(ctx, 0, []byte("due")); err != nil {
		t.Fatal(err)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	if err := q.rdb.ConfigSet(ctx, "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := q.Push(ctx, []byte("x")); err == nil || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("pushing: %v", err)
	}
	if found, err := c.Await(ctx, time.Second); !found || err != nil {
		t.Error("awaiting:", found, err)
	}
	runs := mustExchange(t, c, nil, 5).Runs
	if len(runs) != 5 {
		t.Fatal(payloadsOf(runs))
	}
	mustTend(t, q.NewKeeper(KeeperConfig{}))
	_, err1 := c.Retry(ctx, runs[1].ID, []byte("retry+1"), time.Hour)
	_, err2 := c.Fail(ctx, runs[2].ID, "no")
	_, err3 := c.Expire(ctx, runs[3].ID)
	if err := errors.Join(err1, err2, err3, c.Release(ctx, runs[4].ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Reload(ctx, Failed, ReloadOptions{}); err != nil {
		t.Fatal(err)
	}
	last := mustExchange(t, c, []RunID{runs[0].ID, runs[3].ID}, 10)
	if len(last.Runs) != 4 {
		t.Error(payloadsOf(last.Runs))
	}
	if err := c.Leave(ctx); err != nil {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"delayed": {"retry+1"}, "timeout": {"fail", "due", "left", "release", "expire"}})
}

// A message that is pushed when a worker has left, but still blocks in Redis, goes back at once, and does
// not wait until somebody looks after the ghost.
func TestLeaveWaitsForItsAwait(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	c := newTestConsumer(t, q, ConsumerConfig{})
	awaited := make(chan bool, 1)
	go func() {
		found, err := c.Await(context.Background(), 2*time.Second)
		awaited <- found && err == nil
	}()
	eventually(t, 5*time.Second, "the worker to block", func() bool {
		info, err := q.rdb.ClientList(ctx).Result()
		return err == nil && countBlocked(info, "blmove") > 0
	})
	left := make(chan error, 1)
	go func() { left <- c.Leave(ctx) }()
	eventually(t, 5*time.Second, "the worker to be gone", func() bool {
		return q.rdb.HLen(ctx, q.keys.workers).Val() == 0
	})
	mustPush(t, q, "a")
	if err := <-left; err != nil {
		t.Fatal(err)
	}
	if !<-awaited {
		t.Error("the message did not come by the blocked call: the test shows nothing")
	}
	wantState(t, q, snapshot{"waiting": {"a"}})
}
