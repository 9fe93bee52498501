package queue

import (
	"context"
	"crypto/sha1" //nolint:gosec // names messages, as the scripts do
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// sharedClient serves all tests on the shared Redis, and ends with the process.
var sharedClient struct {
	sync.Once
	rdb redis.UniversalClient
}

func clientOptions(addr string) *redis.Options {
	return &redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: 50}
}

// newSharedClient returns another client of the shared Redis, which the caller closes.
func newSharedClient(t testing.TB) redis.UniversalClient {
	t.Helper()
	place := redistest.SharedPlace(t)
	rdb, err := redisconn.New(redisconn.Config{
		URL: place.URL, Username: place.Username, Password: place.Password, PoolSize: 50,
		TLS: redisconn.TLS{Enabled: place.CAFile != "", CAFile: place.CAFile},
	})
	if err != nil {
		t.Fatal(err)
	}
	return rdb
}

// newTestQueue returns a queue on the shared Redis with a channel of the test's own.
func newTestQueue(t testing.TB) *Queue {
	t.Helper()
	sharedClient.Do(func() { sharedClient.rdb = newSharedClient(t) })
	if sharedClient.rdb == nil {
		t.Fatal("no shared Redis")
	}
	name := strings.NewReplacer("/", ":", " ", "_").Replace(t.Name())
	q, err := New(sharedClient.rdb, fmt.Sprintf("{%s}", name))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// nodeOf returns a client of the one server that holds the channel's keys.
func nodeOf(t testing.TB, q *Queue) redis.UniversalClient {
	t.Helper()
	cluster, ok := q.rdb.(*redis.ClusterClient)
	if !ok {
		return q.rdb
	}
	node, err := cluster.MasterForKey(context.Background(), q.keys.waiting)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func newTestClient(t testing.TB, addr string) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(clientOptions(addr))
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

// countBlocked counts the lines of CLIENT LIST that are blocked in a command.
func countBlocked(list, command string) int {
	count := 0
	for line := range strings.Lines(list) {
		if strings.Contains(line, " cmd="+command) && strings.Contains(line, " flags=b") {
			count++
		}
	}
	return count
}

func digest(payload string) string {
	sum := sha1.Sum([]byte(payload)) //nolint:gosec // as the scripts do
	return hex.EncodeToString(sum[:])
}
