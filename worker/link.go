package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// link knows whether the store answers, and logs when that changes: once when it
// stops, once when it is back, however many calls fail in between.
type link struct {
	log     *slog.Logger
	onError func()

	down  atomic.Bool
	mu    sync.Mutex
	since time.Time
}

func (l *link) failed(err error) {
	if l.onError != nil {
		l.onError()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down.Swap(true) {
		return
	}
	l.since = time.Now()
	l.log.Warn("Redis does not answer; trying again until it does.", "error", err)
}

func (l *link) worked() {
	if !l.down.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down.Swap(false) {
		l.log.Info("Redis answers again.", "outageSeconds", time.Since(l.since).Seconds())
	}
}

// insist repeats call, with back-off, until it succeeds. It gives up only when
// ctx is done, or with queue.ErrEvicted, which no repetition mends.
func (w *Worker) insist(ctx context.Context, call func() error) error {
	var pause backoff
	for {
		life := w.lives.current()
		err := call()
		switch {
		case err == nil:
			w.link.worked()
			return nil
		case errors.Is(err, queue.ErrEvicted):
			w.link.worked()
			w.evicted(life)
			return err
		case ctx.Err() != nil:
			return err
		}
		w.link.failed(err)
		if !sleep(ctx, pause.wait()) {
			return err
		}
	}
}

// lives counts the registrations of this worker, so that late news of the end of
// one is not taken for the end of the next.
type lives struct {
	now, ended atomic.Uint64
}

func (l *lives) begin()          { l.now.Add(1) }
func (l *lives) current() uint64 { return l.now.Load() }
func (l *lives) over() bool      { return l.ended.Load() == l.now.Load() }
func (l *lives) end(life uint64) { l.ended.Store(life) }

// evicted notes that the store took the worker, as it was registered then, for
// dead, and asks the loop to register it anew.
func (w *Worker) evicted(life uint64) {
	w.lives.end(life)
	w.nudge()
}
