package worker

import (
	"context"
	"errors"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// beatInterval is the time between two signs of life in Redis. Others take a
// worker for dead whose beat has not changed for 8 s.
const beatInterval = 2 * time.Second

// beatUntil beats until ctx is done, and tells the tender whether it is its turn.
func (w *Worker) beatUntil(ctx context.Context, duty *tender) {
	ticker := time.NewTicker(beatInterval)
	defer ticker.Stop()
	for {
		w.beat(ctx, duty)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// tellSwept logs that workers died.
func (w *Worker) tellSwept(workers []string) {
	for _, id := range workers {
		w.cfg.Logger.Warn("A worker died; what it held has been taken back.", "worker", id)
	}
}

func (w *Worker) beat(ctx context.Context, duty *tender) {
	life := w.lives.current()
	got, err := w.cfg.Store.Beat(ctx, w.load.snapshot())
	switch {
	case err == nil:
		w.link.worked()
		duty.appoint(got.Tender)
		w.tellSwept(got.Swept)
		if got.Inbox {
			w.landed.Store(true)
			w.nudge()
		}
	case errors.Is(err, queue.ErrEvicted):
		duty.appoint(false)
		w.evicted(life)
	case ctx.Err() == nil:
		w.link.failed(err)
	}
}
