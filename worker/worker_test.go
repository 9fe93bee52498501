package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/queue"
)

// message writes a CloudEvent of one type whose id is unique.
func message(jobType, id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":%q,"id":%q,"source":"test","data":{}}`, jobType, id)
}

func messages(jobType string, n int) []string {
	list := make([]string, 0, n)
	for i := range n {
		list = append(list, message(jobType, fmt.Sprintf("m%d", i)))
	}
	return list
}

// bench is a worker on a fake store, inside a synctest bubble.
type bench struct {
	t      *testing.T
	store  *fakeStore
	worker *Worker
	stop   context.CancelFunc
	ended  chan error

	mu     sync.Mutex
	events []Event
}

func (b *bench) listen(_ context.Context, e Event) {
	if e.Kind == QueueLength {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

// kinds returns the kinds of events so far.
func (b *bench) kinds() []EventKind {
	b.mu.Lock()
	defer b.mu.Unlock()
	kinds := make([]EventKind, 0, len(b.events))
	for _, e := range b.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// start runs a worker until the test ends or stops it.
func start(t *testing.T, store *fakeStore, h HandlerFunc, change func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, store: store, ended: make(chan error, 1)}
	cfg := Config{
		Store: store, Concurrency: 2, HandleTimeout: 10 * time.Second, Drain: 30 * time.Second,
		Retry: []time.Duration{5 * time.Second}, Listeners: []Listener{b.listen},
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	w, err := New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	b.worker, b.stop = w, stop
	go func() { b.ended <- w.Run(ctx) }()
	synctest.Wait()
	return b
}

// end stops the worker and waits for it.
func (b *bench) end() time.Duration {
	b.t.Helper()
	began := time.Now()
	b.stop()
	if err := <-b.ended; err != nil {
		b.t.Errorf("Run: %v", err)
	}
	return time.Since(began)
}

func (b *bench) checkStore(what string, got func(*fakeStore) any, want any) {
	b.t.Helper()
	b.store.look(func() {
		if diff := cmp.Diff(want, got(b.store)); diff != "" {
			b.t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	})
}

func acked(s *fakeStore) any  { return slices.Clone(s.acked) }
func failed(s *fakeStore) any { return slices.Clone(s.failed) }
func timed(s *fakeStore) any  { return slices.Clone(s.timeout) }
func held(s *fakeStore) any   { return len(s.hand) }

func TestMessagesAreHandledAndAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := messages("job", 25)
		store := newFakeStore(all...)
		b := start(t, store, func(context.Context, *Job) error { return nil }, nil)
		b.store.look(func() {
			got := slices.Sorted(slices.Values(store.acked))
			if diff := cmp.Diff(slices.Sorted(slices.Values(all)), got); diff != "" {
				t.Errorf("acknowledged (-want +got):\n%s", diff)
			}
		})
		b.end()
	})
}

// An acknowledgement has no call of its own.
func TestAcknowledgementsRideOnTheNextExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore(messages("job", 1000)...)
		b := start(t, store, func(context.Context, *Job) error { return nil }, func(c *Config) { c.Concurrency = 100 })
		store.look(func() {
			if len(store.acked) != 1000 {
				t.Errorf("%d acknowledged, want 1000", len(store.acked))
			}
			for _, call := range []string{"retry", "requeue", "fail", "expire", "release"} {
				if n := store.calls[call]; n != 0 {
					t.Errorf("%d calls of %s, want none", n, call)
				}
			}
		})
		b.end()
	})
}

func TestWorkerClaimsOnlyWhatItHasSlotsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore(messages("job", 10)...)
		release := make(chan struct{})
		b := start(t, store, func(context.Context, *Job) error { <-release; return nil }, func(c *Config) { c.Concurrency = 3 })
		b.checkStore("in hand", held, 3)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.checkStore("in hand after a minute", held, 3)
		close(release)
		synctest.Wait()
		b.checkStore("in hand at the end", held, 0)
		b.end()
	})
}

func TestAMessageStartsAtOnceOnAnIdleWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		started := make(chan time.Time, 1)
		b := start(t, store, func(context.Context, *Job) error { started <- time.Now(); return nil }, nil)
		time.Sleep(77*time.Second + 300*time.Millisecond)
		pushed := time.Now()
		store.push(message("job", "a"))
		if waited := (<-started).Sub(pushed); waited != 0 {
			t.Errorf("started after %s", waited)
		}
		b.end()
	})
}

// The idle budget: one command a second, beats included.
func TestAnIdleWorkerIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, func(context.Context, *Job) error { return nil }, nil)
		store.look(func() { clear(store.calls) })
		time.Sleep(100 * time.Second)
		synctest.Wait()
		store.look(func() {
			if n := store.calls["await"] + store.calls["beat"] + store.calls["exchange"]; n > 102 {
				t.Errorf("%d calls in 100 s: %v", n, store.calls)
			}
		})
		b.end()
	})
}

func TestOutcomes(t *testing.T) {
	job := message("job", "a")
	tests := map[string]struct {
		err       error
		wantKinds []EventKind
		want      func(*fakeStore) any // where the message stands
	}{
		"nil":          {nil, []EventKind{BeforeHandle, AfterHandle}, acked},
		"drop":         {fmt.Errorf("stale: %w", Drop), []EventKind{BeforeHandle, AfterHandle}, acked},
		"an error":     {errors.New("no"), []EventKind{BeforeHandle, FailedHandle}, failed},
		"fail":         {Fail(errors.New("no")), []EventKind{BeforeHandle, FailedHandle}, failed},
		"requeue":      {Requeue, []EventKind{BeforeHandle, RequeueHandle}, resting(5 * time.Second)},
		"requeue soon": {RequeueAfter(time.Second), []EventKind{BeforeHandle, RequeueHandle}, resting(time.Second)},
		"unknown type": {ErrUnknownType, []EventKind{BeforeHandle, RequeueHandle}, resting(5 * time.Second)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, newFakeStore(job), func(context.Context, *Job) error { return test.err }, nil)
				if diff := cmp.Diff(test.wantKinds, b.kinds()); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				b.checkStore("the message", test.want, []string{job})
				b.checkStore("in hand", held, 0)
				b.end()
			})
		})
	}
}

// resting returns the messages that are due after exactly d.
func resting(d time.Duration) func(*fakeStore) any {
	return func(s *fakeStore) any {
		var list []string
		for _, entry := range s.delayed {
			if entry.due.Equal(time.Now().Add(d)) {
				list = append(list, entry.payload)
			}
		}
		return list
	}
}

// The seed's S17: maxAttempts 2 means three runs at most.
func TestMaxAttempts(t *testing.T) {
	tests := map[string]struct {
		message  string
		fallback int
		wantRuns int
	}{
		"the queue's":               {message("job", "a"), 2, 3},
		"none at all":               {message("job", "a"), 0, 1},
		"the message's own is more": {`{"specversion":"1.0","type":"job","id":"a","source":"t","maxattempts":3}`, 1, 4},
		"the message's own is less": {`{"specversion":"1.0","type":"job","id":"a","source":"t","maxattempts":0}`, 5, 1},
		"one was used before":       {`{"specversion":"1.0","type":"job","id":"a","source":"t","maxattempts":2,"attempts":1}`, 0, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var starts []time.Duration
				began := time.Now()
				b := start(t, newFakeStore(test.message), func(context.Context, *Job) error {
					starts = append(starts, time.Since(began))
					return errors.New("no")
				}, func(c *Config) {
					c.MaxAttempts = test.fallback
					c.Retry = []time.Duration{time.Second, 4 * time.Second}
					c.Concurrency = 1
				})
				time.Sleep(time.Hour)
				synctest.Wait()
				if len(starts) != test.wantRuns {
					t.Errorf("%d runs, at %v; want %d", len(starts), starts, test.wantRuns)
				}
				b.checkStore("number failed", func(s *fakeStore) any { return len(s.failed) }, 1)
				b.end()
			})
		})
	}
}

func TestPanicIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(message("job", "a")), func(context.Context, *Job) error { panic("oh") }, nil)
		b.checkStore("failed", failed, []string{message("job", "a")})
		var panicked *PanicError
		if last := b.events[len(b.events)-1]; !errors.As(last.Err, &panicked) || len(panicked.Stack) == 0 {
			t.Errorf("event's error = %v, want a PanicError with a stack", last.Err)
		}
		b.end()
	})
}

func TestGoexitDoesNotKeepTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := messages("job", 5)
		b := start(t, newFakeStore(all...), func(context.Context, *Job) error { runtime.Goexit(); return nil },
			func(c *Config) { c.Concurrency = 1 })
		b.checkStore("failed", failed, all)
		b.end()
	})
}

// Undecodable messages go to failed, and do not stop the rest.
func TestUndecodableMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := message("job", "a")
		b := start(t, newFakeStore("b:1;", good, "\x00\x01"), func(context.Context, *Job) error { return nil }, nil)
		b.checkStore("failed", func(s *fakeStore) any { return slices.Sorted(slices.Values(s.failed)) }, []string{"\x00\x01", "b:1;"})
		b.checkStore("acknowledged", acked, []string{good})
		b.end()
	})
}

// The seed's S4 and S18: the message times out, the run goes on to its end, and
// a timeout is not a failure.
func TestTimeoutIsNotAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := message("demo", "a")
		var ended time.Duration
		began := time.Now()
		b := start(t, newFakeStore(job), func(context.Context, *Job) error {
			for _, pause := range []time.Duration{1, 2, 1} {
				time.Sleep(pause * time.Second)
			}
			ended = time.Since(began)
			return nil
		}, func(c *Config) { c.HandleTimeout = 3 * time.Second })
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		b.checkStore("timeout at 3 s", timed, []string{job})
		b.checkStore("in hand at 3 s", held, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		if ended != 4*time.Second {
			t.Errorf("the run ended after %s, want 4s", ended)
		}
		b.checkStore("timeout at the end", timed, []string{job})
		b.checkStore("failed at the end", failed, []string(nil))
		b.checkStore("in hand at the end", held, 0)
		if diff := cmp.Diff([]EventKind{BeforeHandle, TimeoutHandle, AfterHandle}, b.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		b.end()
	})
}

// The seed's S6: timed out first, failed after: no retry, and failed gets nothing.
func TestALateFailureIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := message("job", "a")
		b := start(t, newFakeStore(job), func(context.Context, *Job) error {
			time.Sleep(11 * time.Second)
			return errors.New("no")
		}, func(c *Config) { c.MaxAttempts = 5 })
		time.Sleep(time.Minute)
		synctest.Wait()
		b.checkStore("timeout", timed, []string{job})
		b.checkStore("failed", failed, []string(nil))
		b.checkStore("delayed", func(s *fakeStore) any { return len(s.delayed) }, 0)
		if diff := cmp.Diff([]EventKind{BeforeHandle, TimeoutHandle, FailedHandle}, b.kinds()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		b.end()
	})
}

// The same where Redis could not be told of the timeout before the failure.
func TestALateFailureIsNotRetriedThoughRedisWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := message("job", "a")
		store := newFakeStore(job)
		b := start(t, store, func(context.Context, *Job) error {
			time.Sleep(11 * time.Second)
			return errors.New("no")
		}, func(c *Config) { c.MaxAttempts = 5 })
		time.Sleep(9 * time.Second)
		store.look(func() { store.down = true })
		time.Sleep(4 * time.Second)
		store.look(func() { store.down = false })
		time.Sleep(time.Minute)
		synctest.Wait()
		b.checkStore("timeout", timed, []string{job})
		b.checkStore("delayed", func(s *fakeStore) any { return len(s.delayed) }, 0)
		b.end()
	})
}

// The seed's S7: failed first, would have timed out after: retry.
func TestAnEarlyFailureIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		b := start(t, newFakeStore(message("job", "a")), func(context.Context, *Job) error {
			runs++
			time.Sleep(9 * time.Second)
			return errors.New("no")
		}, func(c *Config) { c.MaxAttempts = 1 })
		time.Sleep(time.Minute)
		synctest.Wait()
		if runs != 2 {
			t.Errorf("%d runs, want 2", runs)
		}
		b.checkStore("timeout", timed, []string(nil))
		b.end()
	})
}

func TestLateRunsKeepTheirSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore(messages("job", 3)...)
		release := make(chan struct{})
		b := start(t, store, func(context.Context, *Job) error { <-release; return nil }, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.checkStore("number in hand", held, 2)
		b.checkStore("number in timeout", func(s *fakeStore) any { return len(s.timeout) }, 2)
		store.look(func() {
			last := store.loads[len(store.loads)-1]
			if last.Running != 2 || time.Since(last.Oldest) < 50*time.Second {
				t.Errorf("the last beat told %+v", last)
			}
		})
		close(release)
		b.end()
	})
}

func TestRedisAwayAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		handled := make(chan time.Time, 10)
		b := start(t, store, func(context.Context, *Job) error { handled <- time.Now(); return nil }, nil)
		store.look(func() { store.down = true; clear(store.calls) })
		time.Sleep(10 * time.Minute)
		store.look(func() {
			if n := store.calls["await"] + store.calls["exchange"] + store.calls["beat"]; n > 1500 {
				t.Errorf("%d calls while Redis was away for 600 s: a hot loop", n)
			}
		})
		if b.worker.Ready() == nil {
			t.Error("ready without Redis")
		}
		if err := b.worker.Live(); err != nil {
			t.Errorf("not live without Redis: %v", err)
		}
		back := time.Now()
		store.look(func() { store.down = false })
		store.push(message("job", "a"))
		if waited := (<-handled).Sub(back); waited > 5*time.Second {
			t.Errorf("consumed %s after Redis came back", waited)
		}
		synctest.Wait()
		time.Sleep(3 * time.Second)
		if err := b.worker.Ready(); err != nil {
			t.Errorf("not ready with Redis: %v", err)
		}
		b.end()
	})
}

// A Redis that fails for a moment just when a beat is due gets it a moment later, not at the next one.
func TestAFailedBeatIsRepeatedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, func(context.Context, *Job) error { return nil }, nil)
		time.Sleep(queue.BeatEvery - 10*time.Millisecond)
		before := 0
		store.look(func() { store.down = true; before = len(store.loads) })
		time.Sleep(20 * time.Millisecond) // a beat is due in between
		store.look(func() { store.down = false })
		time.Sleep(100 * time.Millisecond)
		store.look(func() {
			if got := len(store.loads) - before; got != 1 {
				t.Errorf("%d beats within 100 ms after Redis came back, want 1", got)
			}
		})
		b.end()
	})
}

// Neither a claim nor an acknowledgement is lost or doubled by a lost answer.
func TestLostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := messages("job", 50)
		store := newFakeStore(all...)
		store.mute = 3
		var mu sync.Mutex
		runs := make(map[string]int)
		b := start(t, store, func(_ context.Context, j *Job) error {
			mu.Lock()
			runs[j.ID]++
			n := len(runs)
			mu.Unlock()
			if n%7 == 0 {
				store.look(func() { store.mute = 2 })
			}
			return nil
		}, nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for id, n := range runs {
			if n != 1 {
				t.Errorf("%s ran %d times", id, n)
			}
		}
		if len(runs) != len(all) {
			t.Errorf("%d of %d ran", len(runs), len(all))
		}
		b.checkStore("in hand", held, 0)
		b.end()
	})
}

func TestEvictedWorkerRegistersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore(message("job", "a"))
		release := make(chan struct{})
		b := start(t, store, func(context.Context, *Job) error { <-release; return nil }, nil)
		store.look(func() { store.sweep() })
		time.Sleep(5 * time.Second)
		close(release)
		store.push(message("job", "b"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		b.checkStore("acknowledged", acked, []string{message("job", "b")})
		b.checkStore("timeout", timed, []string{message("job", "a")})
		b.checkStore("registrations", func(s *fakeStore) any { return s.registered }, 2)
		b.end()
	})
}

func TestDrain(t *testing.T) {
	job := message("job", "a")
	tests := map[string]struct {
		handler  HandlerFunc
		wantTime time.Duration
		where    func(*fakeStore) any
	}{
		"a handler that ends in time": {
			func(context.Context, *Job) error { time.Sleep(8 * time.Second); return nil }, 7 * time.Second, acked,
		},
		"a handler that minds its context": {
			func(ctx context.Context, _ *Job) error { <-ctx.Done(); return ctx.Err() }, 30 * time.Second, timed,
		},
		"one that ends well at the last moment": {
			func(ctx context.Context, _ *Job) error { <-ctx.Done(); time.Sleep(time.Second); return nil }, 31 * time.Second, acked,
		},
		"one that fails in time": {
			func(context.Context, *Job) error { time.Sleep(8 * time.Second); return errors.New("no") }, 7 * time.Second, failed,
		},
		"one that never ends": {
			func(context.Context, *Job) error { time.Sleep(time.Hour); return nil }, 33 * time.Second, timed,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFakeStore(job)
				b := start(t, store, test.handler, func(c *Config) { c.HandleTimeout = time.Hour })
				time.Sleep(time.Second)
				b.stop()
				synctest.Wait()
				store.push(message("job", "b"))
				if took := b.end(); took != test.wantTime {
					t.Errorf("the drain took %s, want %s", took, test.wantTime)
				}
				b.checkStore("the message", test.where, []string{job})
				b.checkStore("in hand", held, 0)
				b.checkStore("what came after the stop", func(s *fakeStore) any { return s.waiting }, []string{message("job", "b")})
				if !store.left {
					t.Error("the worker did not leave")
				}
				time.Sleep(2 * time.Hour) // handlers end
			})
		})
	}
}

// Messages that arrive after the stop are handed back before they begin, and no
// attempt is counted.
func TestWhatDidNotBeginIsHandedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := messages("job", 3)
		store := newFakeStore(all...)
		store.slow = time.Second
		ran := false
		b := start(t, store, func(context.Context, *Job) error { ran = true; return nil }, nil)
		b.checkStore("in hand while the claim's answer is on its way", held, 2)
		b.end()
		if ran {
			t.Error("a handler ran after the stop")
		}
		b.checkStore("waiting", func(s *fakeStore) any { return slices.Sorted(slices.Values(s.waiting)) }, all)
		b.checkStore("timeout", timed, []string(nil))
	})
}

func TestABusyWorkerNoticesTheStop(t *testing.T) {
	store := newFakeStore(messages("job", 4)...)
	ctx, stop := context.WithCancel(t.Context())
	var runs atomic.Int64
	w, err := New(Config{Store: store, Concurrency: 2, Logger: slog.New(slog.DiscardHandler)},
		HandlerFunc(func(context.Context, *Job) error {
			store.push(message("job", fmt.Sprint(runs.Load())))
			if runs.Add(1) == 100 {
				stop()
			}
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
	if n := len(store.hand); n != 0 {
		t.Errorf("%d left in hand", n)
	}
}

func TestAnIdleWorkerStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), func(context.Context, *Job) error { return nil }, nil)
		time.Sleep(time.Second / 2)
		if took := b.end(); took != 0 {
			t.Errorf("stopping took %s", took)
		}
	})
}

func TestStopWhileRedisIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		store.down = true
		b := start(t, store, func(context.Context, *Job) error { return nil }, nil)
		time.Sleep(time.Minute)
		if took := b.end(); took != 0 {
			t.Errorf("a worker that never registered took %s to stop", took)
		}

		store = newFakeStore(message("job", "a"))
		b = start(t, store, func(context.Context, *Job) error { time.Sleep(time.Second); return nil }, nil)
		store.look(func() { store.down = true })
		if took := b.end(); took > 37*time.Second {
			t.Errorf("stopping took %s", took)
		}
		time.Sleep(time.Minute)
	})
}

func TestNewRefusesNonsense(t *testing.T) {
	store := newFakeStore()
	handler := HandlerFunc(func(context.Context, *Job) error { return nil })
	tests := map[string]struct {
		cfg Config
		h   Handler
	}{
		"no store":            {Config{}, handler},
		"no handler":          {Config{Store: store}, nil},
		"negative slots":      {Config{Store: store, Concurrency: -1}, handler},
		"negative pop":        {Config{Store: store, Pop: -1}, handler},
		"negative timeout":    {Config{Store: store, HandleTimeout: -1}, handler},
		"negative drain":      {Config{Store: store, Drain: -1}, handler},
		"negative attempts":   {Config{Store: store, MaxAttempts: -1}, handler},
		"a retry in the past": {Config{Store: store, Retry: []time.Duration{-1}}, handler},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := New(test.cfg, test.h); err == nil {
				t.Error("New succeeded")
			}
		})
	}
}

func TestRunTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), func(context.Context, *Job) error { return nil }, nil)
		if err := b.worker.Run(t.Context()); err == nil {
			t.Error("the second Run succeeded")
		}
		b.end()
	})
}

var _ Store = (*queue.Consumer)(nil)
var _ Keeper = (*queue.Keeper)(nil)

// A message may come over a connection that Await has given up; a beat tells.
func TestAMessageThatAwaitMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		handled := make(chan time.Time, 10)
		b := start(t, store, func(context.Context, *Job) error { handled <- time.Now(); return nil }, nil)
		time.Sleep(time.Minute)
		landed := time.Now()
		store.look(func() { store.stray = messages("job", 1) })
		if took := (<-handled).Sub(landed); took > queue.BeatEvery {
			t.Errorf("handled after %s", took)
		}
		b.end()
	})
}
