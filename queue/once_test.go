package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// newEagerQueue returns a queue whose client sends a script again when its answer is lost, as many do
// by default.
func newEagerQueue(t *testing.T) (*Queue, *answerCutter) {
	t.Helper()
	cut := &answerCutter{word: "evalsha"}
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t), Dialer: cut.dial, MaxRetries: 3})
	t.Cleanup(func() { _ = rdb.Close() })
	q, err := New(rdb, "{eager}")
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Probe(t.Context()); err != nil { // Redis knows all scripts
		t.Fatal(err)
	}
	return q, cut
}

// A delayed push whose answer was lost is not sent again: with a short delay it would be there twice.
func TestPushDelayedIsSentOnce(t *testing.T) {
	q, cut := newEagerQueue(t)
	cut.cutNext()
	if _, err := q.PushDelayed(t.Context(), time.Hour, []byte("a")); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("got %v", err)
	}
	if n := cut.sent.Load(); n != 1 {
		t.Errorf("sent %d times", n)
	}
	wantState(t, q, snapshot{"delayed": {"a"}})
}

// The second answer of a call that ends a run says that the run is gone. A client that re-sends by
// itself must not take that for the outcome.
func TestEndingARunIsSentOnce(t *testing.T) {
	q, cut := newEagerQueue(t)
	for name, end := range map[string]func(ctx context.Context, c *Consumer, id RunID) (Outcome, error){
		"retry": func(ctx context.Context, c *Consumer, id RunID) (Outcome, error) {
			return c.Retry(ctx, id, []byte("b"), time.Hour)
		},
		"requeue": func(ctx context.Context, c *Consumer, id RunID) (Outcome, error) {
			return c.Requeue(ctx, id, time.Hour)
		},
		"fail": func(ctx context.Context, c *Consumer, id RunID) (Outcome, error) {
			return c.Fail(ctx, id, "why")
		},
		"withdraw": func(ctx context.Context, c *Consumer, id RunID) (Outcome, error) {
			return c.Withdraw(ctx, id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestConsumer(t, q, ConsumerConfig{})
			mustPush(t, q, name)
			run := mustExchange(t, c, nil, 1).Runs[0]
			cut.cutNext()
			if outcome, err := end(t.Context(), c, run.ID); err == nil {
				t.Errorf("the first call: %v, want the lost answer", outcome)
			}
			if outcome, err := end(t.Context(), c, run.ID); err != nil || outcome != Moved {
				t.Errorf("the second call: %v, %v; want moved", outcome, err)
			}
		})
	}
}
