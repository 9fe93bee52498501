package worker

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/storetest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// standing is where messages stand; what is taken first comes first.
type standing struct {
	Waiting, Delayed, Timeout, Failed []string
}

// The fake is held to what real stores are.
func TestFakeStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Site {
		s := newFakeStore()
		return storetest.Site{
			Store: s,
			Push:  s.push,
			Look:  func() storetest.Standing { return storetest.Standing(s.standing()) },
			Tend:  func() error { s.look(s.moveDue); return nil },

			LoseAnswer: func() { s.look(func() { s.mute++ }) },
		}
	})
}

func (s *fakeStore) standing() standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	var delayed []string
	for _, d := range s.delayed {
		delayed = append(delayed, d.payload)
	}
	return standing{
		Waiting: slices.Clone(s.waiting), Delayed: delayed,
		Timeout: slices.Clone(s.timeout), Failed: slices.Clone(s.failed),
	}
}

var channels atomic.Int64

// redisQueue returns a queue of its own on the shared server.
func redisQueue(t *testing.T) (redis.UniversalClient, *queue.Queue) {
	t.Helper()
	place := redistest.SharedPlace(t)
	rdb, err := redisconn.New(redisconn.Config{
		URL: place.URL, Username: place.Username, Password: place.Password, Timeout: 10 * time.Second,
		TLS: redisconn.TLS{Enabled: place.CAFile != "", CAFile: place.CAFile},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	q, err := queue.New(rdb, fmt.Sprintf("{worker-%d}", channels.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	return rdb, q
}

func pushAll(t *testing.T, q *queue.Queue, payloads ...string) {
	t.Helper()
	all := make([][]byte, 0, len(payloads))
	for _, p := range payloads {
		all = append(all, []byte(p))
	}
	if err := q.Push(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
}

func redisStanding(t *testing.T, rdb redis.UniversalClient, channel string) standing {
	t.Helper()
	list := func(state queue.State) []string {
		entries, err := rdb.LRange(t.Context(), channel+":"+string(state), 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(entries)
		if len(entries) == 0 {
			return nil
		}
		return entries
	}
	delayed, err := rdb.ZRange(t.Context(), channel+":delayed", 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(delayed) == 0 {
		delayed = nil
	}
	return standing{Waiting: list(queue.Waiting), Delayed: delayed, Timeout: list(queue.Timeout), Failed: list(queue.Failed)}
}
