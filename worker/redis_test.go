package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/payload"
)

// The seed's statements about what becomes of messages, against a real Redis.

// site is a worker on a queue of its own in Redis.
type site struct {
	t     *testing.T
	rdb   redis.UniversalClient
	queue *queue.Queue
	stop  func()

	mu     sync.Mutex
	events []EventKind
}

func (s *site) listen(_ context.Context, e Event) {
	if e.Kind == QueueLength {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e.Kind)
}

func (s *site) kinds() []EventKind {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func startSite(t *testing.T, h HandlerFunc, change func(*Config)) *site {
	t.Helper()
	rdb, q := redisQueue(t)
	s := &site{t: t, rdb: rdb, queue: q}
	cfg := Config{
		Keeper: q.NewKeeper(queue.KeeperConfig{}), Concurrency: 4, HandleTimeout: 10 * time.Second,
		Retry: []time.Duration{50 * time.Millisecond}, Listeners: []Listener{s.listen}, Logger: slog.New(slog.DiscardHandler),
	}
	change(&cfg)
	consumer, err := q.NewConsumer(queue.ConsumerConfig{HandleTimeout: cfg.HandleTimeout})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Store = consumer
	w, err := New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// await waits for events, all that there were and in this order.
func (s *site) await(want ...EventKind) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !slices.Equal(s.kinds(), want) {
		if time.Now().After(deadline) {
			s.t.Fatalf("events = %v, want %v", s.kinds(), want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// check stops the worker and looks where messages stand.
func (s *site) check(want standing) {
	s.t.Helper()
	s.stop()
	if diff := cmp.Diff(want, redisStanding(s.t, s.rdb, s.queue.Channel()), cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("standing (-want +got):\n%s", diff)
	}
	reserved, err := s.rdb.ZCard(context.Background(), s.queue.Channel()+":reserved").Result()
	if err != nil || reserved != 0 {
		s.t.Errorf("%d reserved, %v", reserved, err)
	}
}

// demo writes the same job as PHP and as a CloudEvent.
func demo(t *testing.T, maxAttempts int) map[string]string {
	t.Helper()
	php, err := payload.NewHyperf(payload.HyperfJob{Class: `App\Job\DemoJob`, UniqueID: "u-1", MaxAttempts: &maxAttempts})
	if err != nil {
		t.Fatal(err)
	}
	event, err := payload.NewCloudEvent(payload.Event{Type: "demo.job", Source: "test", UniqueID: "u-1", MaxAttempts: &maxAttempts})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"Hyperf": string(php), "CloudEvents": string(event)}
}

func withAttempts(t *testing.T, raw string, n int) string {
	t.Helper()
	for range n {
		m, err := payload.Decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		raw = string(m.Retry())
	}
	return raw
}

// S17: maxAttempts = 2 means three runs at most; the failed entry holds the bytes
// of the last run.
func TestS17MaxAttempts(t *testing.T) {
	for kind, raw := range demo(t, 2) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var attempts []int
			s := startSite(t, func(_ context.Context, j *Job) error {
				attempts = append(attempts, j.Attempt)
				return errors.New("no")
			}, func(*Config) {})
			pushAll(t, s.queue, raw)
			s.await(BeforeHandle, RetryHandle, BeforeHandle, RetryHandle, BeforeHandle, FailedHandle)
			s.check(standing{Failed: []string{withAttempts(t, raw, 2)}})
			if diff := cmp.Diff([]int{1, 2, 3}, attempts); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
		})
	}
}

// S4: past the handle timeout the message stands in timeout, the run goes
// on and ends well.
func TestS4ATimedOutRunGoesOn(t *testing.T) {
	for kind, raw := range demo(t, 2) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			end := make(chan struct{})
			s := startSite(t, func(context.Context, *Job) error { <-end; return nil },
				func(c *Config) { c.HandleTimeout = 200 * time.Millisecond })
			pushAll(t, s.queue, raw)
			s.await(BeforeHandle, TimeoutHandle)
			counts, err := s.queue.Counts(t.Context(), 0)
			if err != nil || counts.Timeout != 1 || counts.Reserved != 0 {
				t.Errorf("while it goes on: %+v, %v", counts, err)
			}
			close(end)
			s.await(BeforeHandle, TimeoutHandle, AfterHandle)
			s.check(standing{Timeout: []string{raw}})
		})
	}
}

// S6: timed out first, failed after: no retry, and nothing in failed.
func TestS6NoRetryAfterATimeout(t *testing.T) {
	for kind, raw := range demo(t, 2) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			end := make(chan struct{})
			s := startSite(t, func(context.Context, *Job) error { <-end; return errors.New("no") },
				func(c *Config) { c.HandleTimeout = 200 * time.Millisecond })
			pushAll(t, s.queue, raw)
			s.await(BeforeHandle, TimeoutHandle)
			close(end)
			s.await(BeforeHandle, TimeoutHandle, FailedHandle)
			s.check(standing{Timeout: []string{raw}})
		})
	}
}

// S7: failed first, would have timed out after: retry.
func TestS7RetryOfAFailureBeforeTheTimeout(t *testing.T) {
	for kind, raw := range demo(t, 2) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := startSite(t, func(_ context.Context, j *Job) error {
				if j.Attempt == 1 {
					return errors.New("no")
				}
				return nil
			}, func(c *Config) { c.HandleTimeout = 10 * time.Second })
			pushAll(t, s.queue, raw)
			s.await(BeforeHandle, RetryHandle, BeforeHandle, AfterHandle)
			s.check(standing{})
		})
	}
}

// Undecodable messages go to failed with their reason, whatever stands beside
// them.
func TestUndecodableInRedis(t *testing.T) {
	t.Parallel()
	s := startSite(t, func(context.Context, *Job) error { return nil }, func(c *Config) { c.Concurrency = 1 })
	bad := []string{"", "b:0;", "\xff\xfe", "{", `O:28:"Hyperf\AsyncQueue\JobMessage":0:{}`}
	for _, raw := range demo(t, 0) {
		pushAll(t, s.queue, bad...)
		pushAll(t, s.queue, raw)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		counts, err := s.queue.Counts(t.Context(), 0)
		if err == nil && counts.Failed == int64(2*len(bad)) && counts.Waiting+counts.Reserved == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("counts = %+v, %v", counts, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	reasons, err := s.queue.Reasons(t.Context(), 100)
	if err != nil || len(reasons) != 2*len(bad) {
		t.Errorf("%d reasons, %v; want %d", len(reasons), err, 2*len(bad))
	}
	for _, r := range reasons {
		if r.Reason == "" {
			t.Errorf("a message failed without a reason: %+v", r)
		}
	}
}

// A job that no handler knows is handed back, and neither counted nor lost.
func TestUnknownTypeInRedis(t *testing.T) {
	for kind, raw := range demo(t, 0) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := startSite(t, NewMux().Handle, func(*Config) {})
			pushAll(t, s.queue, raw)
			s.await(BeforeHandle, RequeueHandle)
			s.check(standing{Delayed: []string{raw}})
		})
	}
}

// Many messages, a few of them equal, handlers that fail now and then: each ends
// once.
func TestEveryMessageEndsOnce(t *testing.T) {
	t.Parallel()
	const total = 3000
	var mu sync.Mutex
	done := make(map[string]int)
	s := startSite(t, func(_ context.Context, j *Job) error {
		mu.Lock()
		defer mu.Unlock()
		if j.Attempt == 1 && strings.HasSuffix(j.ID, "3") {
			return RetryAfter(0, errors.New("no"))
		}
		done[j.ID]++
		return nil
	}, func(c *Config) { c.Concurrency = 50; c.MaxAttempts = 1 })
	var batch []string
	for i := range total {
		batch = append(batch, message("job", fmt.Sprintf("m%d", i)))
		if i%100 == 0 {
			batch = append(batch, batch[len(batch)-1]) // its equal
		}
	}
	for part := range slices.Chunk(batch, 500) {
		pushAll(t, s.queue, part...)
	}
	deadline := time.Now().Add(60 * time.Second)
	for {
		mu.Lock()
		ends := 0
		for _, n := range done {
			ends += n
		}
		mu.Unlock()
		if ends == len(batch) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d ended", ends, len(batch))
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.check(standing{})
	for id, n := range done {
		var i int
		if _, err := fmt.Sscanf(id, "m%d", &i); err != nil {
			t.Fatal(err)
		}
		if want := 1 + b2i(i%100 == 0); n != want {
			t.Errorf("%s ended %d times, want %d", id, n, want)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
