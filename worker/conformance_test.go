package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// standing is where messages stand; what is taken first comes first.
type standing struct {
	Waiting, Delayed, Timeout, Failed []string
}

// stores makes every kind of Store, each with a push and a look at it.
func stores() map[string]func(t *testing.T) (s Store, push func(...string), look func() standing) {
	return map[string]func(t *testing.T) (Store, func(...string), func() standing){
		"in memory": func(*testing.T) (Store, func(...string), func() standing) {
			s := newFakeStore()
			return s, s.push, s.standing
		},
		"in Redis": func(t *testing.T) (Store, func(...string), func() standing) {
			rdb, q := redisQueue(t)
			consumer, err := q.NewConsumer(queue.ConsumerConfig{HandleTimeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			push := func(payloads ...string) { pushAll(t, q, payloads...) }
			return consumer, push, func() standing { return redisStanding(t, rdb, q.Channel()) }
		},
	}
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
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Shared(t), MaxRetries: -1, DisableIdentity: true, ReadTimeout: 10 * time.Second})
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

// TestStores holds every Store to what the worker relies on. Each test begins
// with the message m claimed by a registered worker.
func TestStores(t *testing.T) {
	ctx := context.Background()
	tests := map[string]struct {
		act  func(s Store, id queue.RunID) (queue.Outcome, error)
		want queue.Outcome
		left standing
	}{
		"retry": {
			func(s Store, id queue.RunID) (queue.Outcome, error) {
				return s.Retry(ctx, id, []byte("m+1"), time.Hour)
			},
			queue.Moved, standing{Delayed: []string{"m+1"}},
		},
		"requeue": {
			func(s Store, id queue.RunID) (queue.Outcome, error) { return s.Requeue(ctx, id, time.Hour) },
			queue.Moved, standing{Delayed: []string{"m"}},
		},
		"fail": {
			func(s Store, id queue.RunID) (queue.Outcome, error) { return s.Fail(ctx, id, "no") },
			queue.Moved, standing{Failed: []string{"m"}},
		},
		"expire": {
			func(s Store, id queue.RunID) (queue.Outcome, error) { return s.Expire(ctx, id) },
			queue.Moved, standing{Timeout: []string{"m"}},
		},
		"expire twice": {twice(func(s Store, id queue.RunID) (queue.Outcome, error) { return s.Expire(ctx, id) }),
			queue.WasLate, standing{Timeout: []string{"m"}}},
		"retry after expire": {late(func(s Store, id queue.RunID) (queue.Outcome, error) {
			return s.Retry(ctx, id, []byte("m+1"), 0)
		}), queue.WasLate, standing{Timeout: []string{"m"}}},
		"fail after expire": {late(func(s Store, id queue.RunID) (queue.Outcome, error) { return s.Fail(ctx, id, "no") }),
			queue.WasLate, standing{Timeout: []string{"m"}}},
		"fail twice": {twice(func(s Store, id queue.RunID) (queue.Outcome, error) { return s.Fail(ctx, id, "no") }),
			queue.WasLost, standing{Failed: []string{"m"}}},
		"retry after fail": {
			func(s Store, id queue.RunID) (queue.Outcome, error) {
				if _, err := s.Fail(ctx, id, "no"); err != nil {
					return 0, err
				}
				return s.Retry(ctx, id, []byte("m+1"), time.Hour)
			},
			queue.WasLost, standing{Failed: []string{"m"}},
		},
		"release": {
			func(s Store, id queue.RunID) (queue.Outcome, error) { return queue.Moved, s.Release(ctx, id) },
			queue.Moved, standing{Waiting: []string{"m"}},
		},
		"leave": {
			func(s Store, _ queue.RunID) (queue.Outcome, error) { return queue.Moved, s.Leave(ctx) },
			queue.Moved, standing{Timeout: []string{"m"}},
		},
		"fail after leave": {
			func(s Store, id queue.RunID) (queue.Outcome, error) {
				if err := s.Leave(ctx); err != nil {
					return 0, err
				}
				return s.Fail(ctx, id, "no")
			},
			queue.WasLost, standing{Timeout: []string{"m"}},
		},
	}
	for kind, open := range stores() {
		for name, test := range tests {
			t.Run(kind+"/"+name, func(t *testing.T) {
				s, push, look := open(t)
				id := claimOne(t, s, push, "m")
				got, err := test.act(s, id)
				if err != nil || got != test.want {
					t.Errorf("outcome = %v, %v; want %v", got, err, test.want)
				}
				if diff := cmp.Diff(test.left, look(), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("standing (-want +got):\n%s", diff)
				}
			})
		}
	}
}

type act = func(s Store, id queue.RunID) (queue.Outcome, error)

func twice(do act) act {
	return func(s Store, id queue.RunID) (queue.Outcome, error) {
		if _, err := do(s, id); err != nil {
			return 0, err
		}
		return do(s, id)
	}
}

func late(do act) act {
	return func(s Store, id queue.RunID) (queue.Outcome, error) {
		if _, err := s.Expire(context.Background(), id); err != nil {
			return 0, err
		}
		return do(s, id)
	}
}

func claimOne(t *testing.T, s Store, push func(...string), payload string) queue.RunID {
	t.Helper()
	if err := s.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	push(payload)
	got, err := s.Exchange(t.Context(), nil, 1)
	if err != nil || len(got.Runs) != 1 || string(got.Runs[0].Payload) != payload {
		t.Fatalf("Exchange = %+v, %v", got, err)
	}
	return got.Runs[0].ID
}

func TestStoresExchange(t *testing.T) {
	for kind, open := range stores() {
		t.Run(kind, func(t *testing.T) {
			s, push, look := open(t)
			if _, err := s.Exchange(t.Context(), nil, 1); !errors.Is(err, queue.ErrEvicted) {
				t.Errorf("Exchange before Register: %v, want ErrEvicted", err)
			}
			if err := s.Register(t.Context()); err != nil {
				t.Fatal(err)
			}
			push("a", "b", "c")
			first, err := s.Exchange(t.Context(), nil, 2)
			if diff := cmp.Diff([]string{"a", "b"}, payloads(first)); diff != "" || err != nil {
				t.Errorf("the first claim (-want +got):\n%s%v", diff, err)
			}
			if _, err := s.Expire(t.Context(), first.Runs[1].ID); err != nil {
				t.Fatal(err)
			}
			done := []queue.RunID{first.Runs[0].ID, first.Runs[1].ID, first.Runs[1].ID + 1000}
			second, err := s.Exchange(t.Context(), done, 5)
			if diff := cmp.Diff([]string{"c"}, payloads(second)); diff != "" || err != nil {
				t.Errorf("the second claim (-want +got):\n%s%v", diff, err)
			}
			if diff := cmp.Diff([][]queue.RunID{done[2:], done[1:2]}, [][]queue.RunID{second.Lost, second.Late}); diff != "" {
				t.Errorf("lost and late (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(standing{Timeout: []string{"b"}}, look(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("standing (-want +got):\n%s", diff)
			}
		})
	}
}

func payloads(got queue.Exchanged) []string {
	var list []string
	for _, run := range got.Runs {
		list = append(list, string(run.Payload))
	}
	return list
}

func TestStoresAwait(t *testing.T) {
	for kind, open := range stores() {
		t.Run(kind, func(t *testing.T) {
			s, push, _ := open(t)
			if err := s.Register(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found, err := s.Await(t.Context(), 10*time.Millisecond); found || err != nil {
				t.Errorf("Await of nothing = %t, %v", found, err)
			}
			go push("m")
			for found := false; !found; {
				var err error
				if found, err = s.Await(t.Context(), time.Second); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Exchange(t.Context(), nil, 1)
			if diff := cmp.Diff([]string{"m"}, payloads(got)); diff != "" || err != nil {
				t.Errorf("the claim (-want +got):\n%s%v", diff, err)
			}
		})
	}
}
