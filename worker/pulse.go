package worker

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// liveFor is how long the loop may take for one turn before the worker counts as
// stuck. A turn waits for at most a few calls to Redis, each with a deadline.
const liveFor = 30 * time.Second

// origin makes times comparable in one word, on the monotonic clock.
var origin = time.Now()

// pulse is the loop's own sign of life.
type pulse struct {
	turned atomic.Int64 // nanoseconds since origin
	member atomic.Bool
}

func (p *pulse) beat(now time.Time) { p.turned.Store(int64(now.Sub(origin))) }
func (p *pulse) joined()            { p.member.Store(true) }
func (p *pulse) left()              { p.member.Store(false) }

// Live returns nil while the loop turns. It never asks Redis: a slow Redis must
// not get the workers restarted.
func (w *Worker) Live() error {
	if !w.started.Load() {
		return nil
	}
	turned := origin.Add(time.Duration(w.pulse.turned.Load()))
	if age := time.Since(turned); age > liveFor {
		return fmt.Errorf("the loop has not turned for %s", age.Round(time.Second))
	}
	return nil
}

// Ready returns nil while the worker consumes: it is registered, Redis answers,
// the loop turns, and it was not asked to stop.
func (w *Worker) Ready() error {
	switch {
	case !w.pulse.member.Load():
		return errors.New("the worker is not registered")
	case w.link.down.Load():
		return errors.New("the Redis server does not answer")
	}
	return w.Live()
}

// load is what the beats tell of the work in hand.
type load struct {
	running atomic.Int64
	oldest  atomic.Int64 // nanoseconds since origin; 0: none
	done    atomic.Uint64
	lost    atomic.Uint64
	claims  atomic.Uint64 // that brought messages
	claimed atomic.Uint64 // messages
}

func (l *load) report(running int, oldest time.Time) {
	l.running.Store(int64(running))
	if oldest.IsZero() {
		l.oldest.Store(0)
		return
	}
	l.oldest.Store(int64(oldest.Sub(origin)))
}

// add counts acknowledged runs, and those among them that were not this
// worker's any more.
func (l *load) add(done, lost int) {
	l.done.Add(uint64(done)) //nolint:gosec // a length
	if lost > 0 {
		l.lost.Add(uint64(lost)) //nolint:gosec // a length
	}
}

// claim counts a claim that brought n messages.
func (l *load) claim(n int) {
	if n > 0 {
		l.claims.Add(1)
		l.claimed.Add(uint64(n))
	}
}

func (l *load) snapshot() queue.Load {
	s := queue.Load{Running: int(l.running.Load()), Done: l.done.Load()}
	if since := l.oldest.Load(); since != 0 {
		s.Oldest = origin.Add(time.Duration(since))
	}
	return s
}
