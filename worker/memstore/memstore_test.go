package memstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/memstore"
	"github.com/asyncqueue/operator/worker/storetest"
)

var (
	_ worker.Store  = (*memstore.Consumer)(nil)
	_ worker.Keeper = (*memstore.Queue)(nil)
)

func texts(payloads [][]byte) []string {
	var list []string
	for _, p := range payloads {
		list = append(list, string(p))
	}
	return list
}

func push(t *testing.T, q *memstore.Queue, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := q.Push(t.Context(), []byte(p)); err != nil {
			t.Error(err)
		}
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Site {
		q := memstore.New(memstore.Config{})
		return storetest.Site{
			Store: q.NewConsumer(),
			Push:  func(payloads ...string) { push(t, q, payloads...) },
			Look: func() storetest.Standing {
				return storetest.Standing{
					Waiting: texts(q.Messages(queue.Waiting)), Delayed: texts(q.Messages(queue.Delayed)),
					Timeout: texts(q.Messages(queue.Timeout)), Failed: texts(q.Messages(queue.Failed)),
				}
			},
			Tend: func() error { _, err := q.Tend(t.Context()); return err },
		}
	})
}

// Equal messages that retries brought are told apart: pushing them once more moves one.
func TestPushDelayedKeepsEqualRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memstore.New(memstore.Config{})
		push(t, q, "a", "a")
		c := q.NewConsumer()
		if err := c.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := c.Exchange(t.Context(), nil, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range got.Runs {
			if _, err := c.Requeue(t.Context(), run.ID, time.Second); err != nil {
				t.Fatal(err)
			}
		}
		added, err := q.PushDelayed(t.Context(), time.Minute, []byte("a"))
		if err != nil || added != 0 {
			t.Errorf("PushDelayed = %d, %v; want 0", added, err)
		}
		if diff := cmp.Diff([]string{"a", "a"}, texts(q.Messages(queue.Delayed))); diff != "" {
			t.Errorf("delayed (-want +got):\n%s", diff)
		}
	})
}

func TestPushDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memstore.New(memstore.Config{})
		for _, step := range []struct {
			payload   string
			delay     time.Duration
			wantAdded int
		}{{"late", time.Hour, 1}, {"soon", time.Minute, 1}, {"late", time.Second, 0}} {
			if added, err := q.PushDelayed(t.Context(), step.delay, []byte(step.payload)); err != nil || added != step.wantAdded {
				t.Errorf("PushDelayed of %s = %d, %v; want %d", step.payload, added, err, step.wantAdded)
			}
		}
		if diff := cmp.Diff([]string{"late", "soon"}, texts(q.Messages(queue.Delayed))); diff != "" {
			t.Errorf("delayed (-want +got):\n%s", diff)
		}
		time.Sleep(30 * time.Second)
		if c := q.Counts(); c.Due != 1 || c.Delayed != 2 || time.Until(c.NextDue) != -29*time.Second {
			t.Errorf("Counts = %+v", c)
		}
		if n := q.MakeDue(); n != 2 || len(q.Messages(queue.Waiting)) != 2 {
			t.Errorf("MakeDue = %d, then %d wait", n, len(q.Messages(queue.Waiting)))
		}
	})
}

// What a dead worker held goes where the policy says, and at last to failed.
func TestLoss(t *testing.T) {
	q := memstore.New(memstore.Config{Loss: queue.Redeliver, MaxReloads: 2})
	push(t, q, "a", "b")
	c := q.NewConsumer()
	var redelivered []int
	for range 3 {
		if err := c.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := c.Exchange(t.Context(), nil, 1)
		if err != nil || string(got.Runs[0].Payload) != "a" {
			t.Fatalf("Exchange = %+v, %v", got, err)
		}
		redelivered = append(redelivered, got.Runs[0].Redelivered)
		c.Evict()
	}
	if diff := cmp.Diff([]int{0, 1, 2}, redelivered); diff != "" {
		t.Errorf("redelivered (-want +got):\n%s", diff)
	}
	if !slices.Equal(texts(q.Messages(queue.Failed)), []string{"a"}) || len(q.Reasons()) != 1 {
		t.Errorf("failed %q because of %q", q.Messages(queue.Failed), q.Reasons())
	}
}

func TestAwaitRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memstore.New(memstore.Config{})
		push(t, q, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := q.AwaitRest(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("AwaitRest with a message waiting: %v", err)
		}
		c := q.NewConsumer()
		if err := c.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := c.Exchange(t.Context(), nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Second)
			_, _ = c.Exchange(context.Background(), []queue.RunID{got.Runs[0].ID}, 0)
		}()
		if err := q.AwaitRest(t.Context()); err != nil || q.Done() != 1 || len(q.Messages(queue.Reserved)) != 0 {
			t.Errorf("AwaitRest = %v, %d done", err, q.Done())
		}
	})
}
