package worker

import (
	"context"
	"errors"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// beatUntil beats until ctx is done, and tells the tender whether it is its turn. A
// beat that failed is repeated soon: where Redis fails for moments only, those in
// which beats are due must not add up to a death.
func (w *Worker) beatUntil(ctx context.Context, duty *tender) {
	var pause backoff
	next := time.Now()
	for {
		interval, ok := w.beat(ctx, duty)
		if ok {
			pause.reset()
			next = next.Add(interval)
			if now := time.Now(); next.Before(now) {
				next = now // the beats of a time in which the process stood still are not made up for
			}
		} else {
			next = time.Now().Add(pause.wait())
		}
		if !sleep(ctx, max(time.Until(next), 0)) {
			return
		}
	}
}

// tellSwept logs that workers died.
func (w *Worker) tellSwept(workers []string) {
	for _, id := range workers {
		w.cfg.Logger.Warn("A worker died; what it held has been taken back.", "worker", id)
	}
}

// beat gives a sign of life once, and returns after how long the next one is due. It
// says whether Redis took it or told why not.
func (w *Worker) beat(ctx context.Context, duty *tender) (next time.Duration, ok bool) {
	life := w.lives.current()
	next = queue.BeatEvery
	got, err := w.cfg.Store.Beat(ctx, w.load.snapshot())
	switch {
	case err == nil:
		w.link.worked()
		duty.appoint(got.Tender)
		w.tellSwept(got.Swept)
		if got.Deputy {
			next = queue.DeputyEvery
		}
		if got.Inbox {
			w.landed.Store(true)
			w.nudge()
		}
	case errors.Is(err, queue.ErrEvicted):
		duty.appoint(false)
		w.evicted(life)
	case ctx.Err() == nil:
		w.link.failed(err)
		return 0, false
	}
	return next, true
}
