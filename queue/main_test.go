package queue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// newTestQueue returns a queue on the shared server with a channel of the test's own.
func newTestQueue(t testing.TB) *Queue {
	t.Helper()
	rdb := newTestClient(t, redistest.Shared(t))
	name := strings.NewReplacer("/", ":", " ", "_").Replace(t.Name())
	q, err := New(rdb, fmt.Sprintf("{%s}", name))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func newTestClient(t testing.TB, addr string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, ContextTimeoutEnabled: true, PoolSize: 20})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func newTestConsumer(t testing.TB, q *Queue, cfg ConsumerConfig) *Consumer {
	t.Helper()
	if cfg.ID == "" {
		cfg.ID = "w"
	}
	c, err := q.NewConsumer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func mustExchange(t testing.TB, c *Consumer, done []RunID, want int) Exchanged {
	t.Helper()
	answer, err := c.Exchange(context.Background(), done, want)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func mustPush(t testing.TB, q *Queue, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := q.Push(context.Background(), []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

func mustTend(t testing.TB, k *Keeper) Tended {
	t.Helper()
	tended, err := k.Tend(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return tended
}

// eventually polls until the condition holds.
func eventually(t testing.TB, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("awaiting %s: not within %v", what, limit)
		}
		<-ticker.C
	}
}
