package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asyncqueue/operator/queue"
)

// S18: the demo job sleeps 1 + 2 + 1 s under a handle timeout of 3 s. It times out after 3 s, and
// ends well after 4: a timeout is not a failure.
func TestS18TheDemoJobTimesOutAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var lines []string
		note := func(text string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, fmt.Sprintf("%s after %s", text, time.Since(start)))
		}
		store := newFakeStore(message("demo.job", "d"))
		w, err := New(Config{
			Store: store, HandleTimeout: 3 * time.Second, Logger: slog.New(slog.DiscardHandler),
			Listeners: []Listener{func(_ context.Context, e Event) {
				if e.Kind == TimeoutHandle || e.Kind == AfterHandle || e.Kind == FailedHandle || e.Kind == RetryHandle {
					note(e.Kind.String())
				}
			}},
		}, HandlerFunc(func(context.Context, *Job) error {
			for _, step := range []struct {
				text  string
				sleep time.Duration
			}{{"start", time.Second}, {"running", 2 * time.Second}, {"end", time.Second}} {
				note(step.text)
				time.Sleep(step.sleep)
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(10 * time.Second)
			cancel()
		}()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{"start after 0s", "running after 1s", "TimeoutHandle after 3s", "end after 3s", "AfterHandle after 4s"}
		slices.Sort(want)
		slices.Sort(lines) // the timeout and the third step fall into one instant
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("what happened (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(standing{Timeout: []string{message("demo.job", "d")}}, store.standing(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("standing (-want +got):\n%s", diff)
		}
	})
}

// S5: a reload puts a timed-out message back, but not while its run goes on.
func TestS5AReloadLeavesWhatStillRuns(t *testing.T) {
	for kind, raw := range demo(t, 0) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			first := make(chan struct{})
			var runs int
			s := startSite(t, func(context.Context, *Job) error {
				if runs++; runs == 1 {
					<-first
				}
				return nil
			}, func(c *Config) { c.HandleTimeout, c.Concurrency = time.Second, 1 })
			pushAll(t, s.queue, raw)
			s.await(BeforeHandle, TimeoutHandle)
			for _, want := range []queue.ReloadResult{{Skipped: 1}, {Moved: 1}} {
				got, err := s.queue.Reload(t.Context(), queue.Timeout, queue.ReloadOptions{})
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("Reload (-want +got):\n%s%v", diff, err)
				}
				if want.Skipped == 1 {
					close(first)
					s.await(BeforeHandle, TimeoutHandle, AfterHandle)
					s.awaitNothingHeld()
				}
			}
			s.await(BeforeHandle, TimeoutHandle, AfterHandle, BeforeHandle, AfterHandle)
			s.check(standing{})
		})
	}
}

// awaitNothingHeld waits until Redis has taken every acknowledgement.
func (s *site) awaitNothingHeld() {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		marks, err := s.rdb.HLen(s.t.Context(), s.queue.Channel()+":late").Result()
		if err == nil && marks == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d late runs, %v", marks, err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Under Cancel a run that takes too long is a failed attempt, whether or not its handler heeds the
// context, and whatever it returns; its message never stands in timeout.
func TestCancelMakesATimeoutAFailedAttempt(t *testing.T) {
	heeds := func(ctx context.Context) { <-ctx.Done() }
	ignores := func(ctx context.Context) { <-ctx.Done(); time.Sleep(20 * time.Millisecond) }
	tests := map[string]struct {
		works      func(ctx context.Context)
		returns    error
		wantReason string
	}{
		"it returns the context's error":  {heeds, context.Canceled, "the handle timeout has passed: context canceled"},
		"it returns nil":                  {ignores, nil, "the handle timeout has passed"},
		"it asks to be requeued":          {heeds, Requeue, "the handle timeout has passed: handler asked for requeue"},
		"it asks to be dropped":           {ignores, Drop, "the handle timeout has passed: handler asked for drop"},
		"it says that it knows no such":   {heeds, ErrUnknownType, "the handle timeout has passed: no handler for this type of job"},
		"it retries after a while of its": {heeds, RetryAfter(0, errors.New("busy")), "the handle timeout has passed: busy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := demo(t, 1)["Hyperf"]
			var causes []error
			s := startSite(t, func(ctx context.Context, _ *Job) error {
				test.works(ctx)
				causes = append(causes, context.Cause(ctx))
				return test.returns
			}, func(c *Config) {
				c.HandleTimeout, c.OnHandleTimeout = 100*time.Millisecond, Cancel
			})
			pushAll(t, s.queue, raw)
			s.await(BeforeHandle, TimeoutHandle, RetryHandle, BeforeHandle, TimeoutHandle, FailedHandle)
			s.check(standing{Failed: []string{withAttempts(t, raw, 1)}})
			if len(causes) != 2 || !errors.Is(causes[0], ErrHandleTimeout) {
				t.Errorf("causes %v, want ErrHandleTimeout twice", causes)
			}
			reasons, err := s.queue.Reasons(t.Context(), 1)
			if err != nil || len(reasons) != 1 || reasons[0].Reason != test.wantReason {
				t.Errorf("reasons %+v, %v; want %q", reasons, err, test.wantReason)
			}
		})
	}
}

// Fail is listened to under Cancel, and a run that ends in time is what it says.
func TestCancelListensToFail(t *testing.T) {
	t.Parallel()
	raw := demo(t, 5)["CloudEvents"]
	s := startSite(t, func(ctx context.Context, j *Job) error {
		if j.Attempt == 1 {
			return errors.New("in time")
		}
		<-ctx.Done()
		return Fail(errors.New("hopeless"))
	}, func(c *Config) { c.HandleTimeout, c.OnHandleTimeout = 100*time.Millisecond, Cancel })
	pushAll(t, s.queue, raw)
	s.await(BeforeHandle, RetryHandle, BeforeHandle, TimeoutHandle, FailedHandle)
	s.check(standing{Failed: []string{withAttempts(t, raw, 1)}})
}

// A handler that ignores its context keeps its message in hand: it stands neither in timeout nor in
// reserved, where a Hyperf consumer would find it overdue, and a reload does not get it.
func TestCancelGuardsAHandlerThatGoesOn(t *testing.T) {
	t.Parallel()
	raw := demo(t, 0)["Hyperf"]
	end := make(chan struct{})
	s := startSite(t, func(context.Context, *Job) error { <-end; return nil },
		func(c *Config) { c.HandleTimeout, c.OnHandleTimeout = 100*time.Millisecond, Cancel })
	pushAll(t, s.queue, raw)
	s.await(BeforeHandle, TimeoutHandle)
	counts, err := s.queue.Counts(t.Context(), 0)
	if diff := cmp.Diff(queue.Counts{}, counts); diff != "" || err != nil {
		t.Errorf("counts while it goes on (-want +got):\n%s%v", diff, err)
	}
	if beats, err := s.queue.Workers(t.Context()); err != nil || len(beats) != 1 {
		t.Errorf("workers %v, %v", beats, err)
	}
	close(end)
	s.await(BeforeHandle, TimeoutHandle, FailedHandle)
	s.check(standing{Failed: []string{raw}})
}

// Under Remove a late success takes its message out of timeout; a late failure does not.
func TestRemoveTakesALateSuccessOutOfTimeout(t *testing.T) {
	tests := map[string]struct {
		returns error
		want    EventKind
		left    func(raw string) standing
	}{
		"success": {nil, AfterHandle, func(string) standing { return standing{} }},
		"failure": {errors.New("no"), FailedHandle, func(raw string) standing { return standing{Timeout: []string{raw}} }},
		"drop":    {Drop, AfterHandle, func(raw string) standing { return standing{Timeout: []string{raw}} }},
	}
	for name, test := range tests {
		for kind, raw := range demo(t, 2) {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				end := make(chan struct{})
				s := startSite(t, func(context.Context, *Job) error { <-end; return test.returns },
					func(c *Config) { c.HandleTimeout, c.OnLateSuccess = 100*time.Millisecond, Remove })
				pushAll(t, s.queue, raw)
				s.await(BeforeHandle, TimeoutHandle)
				close(end)
				s.await(BeforeHandle, TimeoutHandle, test.want)
				s.check(test.left(raw))
			})
		}
	}
}
