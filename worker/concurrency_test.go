package worker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// gauge counts how many handlers run.
type gauge struct{ running, most, ended atomic.Int64 }

func (g *gauge) handle(d time.Duration) HandlerFunc {
	return func(context.Context, *Job) error {
		n := g.running.Add(1)
		for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
		}
		time.Sleep(d)
		g.running.Add(-1)
		g.ended.Add(1)
		return nil
	}
}

func TestConcurrencyIsChangedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		b := start(t, newFakeStore(messages("job", 1000)...), g.handle(5*time.Second), nil)
		for _, n := range []int{2, 5, 1, 12, 3} {
			if err := b.worker.SetConcurrency(n); err != nil {
				t.Fatal(err)
			}
			before := g.running.Load()
			synctest.Wait()
			if got, want := g.running.Load(), max(before, int64(n)); got != want {
				t.Errorf("at once after SetConcurrency(%d): %d run, want %d", n, got, want)
			}
			time.Sleep(6 * time.Second) // those of before have ended
			synctest.Wait()
			if got := g.running.Load(); got != int64(n) {
				t.Errorf("later after SetConcurrency(%d): %d run", n, got)
			}
			if got := b.worker.Concurrency(); got != n {
				t.Errorf("Concurrency = %d, want %d", got, n)
			}
		}
		b.end()
		b.checkStore("in hand", held, 0)
	})
}

func TestConcurrencyIsChangedByManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		b := start(t, newFakeStore(messages("job", 3000)...), g.handle(time.Millisecond), nil)
		var changes sync.WaitGroup
		for i := range 20 {
			changes.Go(func() {
				time.Sleep(time.Duration(i) * 7 * time.Millisecond)
				_ = b.worker.SetConcurrency(1 + i*13%20)
			})
		}
		changes.Wait()
		time.Sleep(10 * time.Second)
		if got := g.ended.Load(); got != 3000 || g.most.Load() > 20 {
			t.Errorf("%d ended, %d at once; want 3000, at most 20", got, g.most.Load())
		}
		b.end()
		b.checkStore("acknowledged", func(s *fakeStore) any { return len(s.acked) }, 3000)
	})
}

func TestConcurrencyIsAtLeastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), func(context.Context, *Job) error { return nil }, nil)
		if err := b.worker.SetConcurrency(0); err == nil || b.worker.Concurrency() != 2 {
			t.Errorf("SetConcurrency(0) = %v, then %d", err, b.worker.Concurrency())
		}
		b.end()
	})
}

// A worker that was taken for dead tells the handlers of that life, and no other.
func TestLossOfMessagesEndsTheContext(t *testing.T) {
	for name, test := range map[string]struct {
		continues bool
		want      []error
	}{
		"by default": {false, []error{ErrLost, ErrDraining}},
		"if not":     {true, []error{ErrDraining, ErrDraining}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				causes := make([]error, 2)
				var ran atomic.Int64
				store := newFakeStore(messages("job", 1)...)
				b := start(t, store, func(ctx context.Context, _ *Job) error {
					i := ran.Add(1) - 1
					<-ctx.Done()
					causes[i] = context.Cause(ctx)
					return ctx.Err()
				}, func(c *Config) { c.ContinueLost, c.HandleTimeout = test.continues, time.Hour })
				store.look(store.sweep)
				time.Sleep(10 * time.Second) // the beat finds out
				store.push(message("job", "second"))
				time.Sleep(time.Second)
				b.end()
				if diff := cmp.Diff(test.want, causes, cmp.Comparer(errors.Is)); diff != "" {
					t.Errorf("causes (-want +got):\n%s", diff)
				}
				if got := b.kinds(); len(got) != 2 {
					t.Errorf("events %v, want two BeforeHandle alone", got)
				}
			})
		})
	}
}
