package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asyncqueue/operator/queue"
)

const (
	// tendInterval keeps messages that fall due within half a second of their
	// time.
	tendInterval = 450 * time.Millisecond
	// tendSoonest is the shortest time between two looks.
	tendSoonest = 20 * time.Millisecond
	// lengthInterval is the shortest time between two QueueLength events of one
	// state.
	lengthInterval = 10 * time.Second
)

// tender looks after the channel while the store appoints this worker to. Should it
// die, its deputy moves what is due, and everybody's beats find that out: see
// queue.Consumer.Beat.
type tender struct {
	*Worker
	appointed atomic.Bool
	change    chan struct{}
	told      map[queue.State]int64
	toldAt    time.Time
}

func newTender(w *Worker) *tender {
	return &tender{Worker: w, change: make(chan struct{}, 1), told: make(map[queue.State]int64)}
}

// appoint begins or ends the duty.
func (t *tender) appoint(yes bool) {
	if t.appointed.Swap(yes) != yes {
		select {
		case t.change <- struct{}{}:
		default:
		}
	}
}

// run looks after the channel while that is its duty, until ctx is done.
func (t *tender) run(ctx context.Context) {
	if t.cfg.Keeper == nil {
		return
	}
	var pause backoff
	for ctx.Err() == nil {
		if t.appointed.Load() {
			sleep(ctx, t.tend(ctx, &pause))
			continue
		}
		select {
		case <-ctx.Done():
		case <-t.change:
		}
	}
}

// tend looks after the channel once and returns when to do it again.
func (t *tender) tend(ctx context.Context, pause *backoff) time.Duration {
	got, err := t.cfg.Keeper.Tend(ctx)
	if err != nil {
		if ctx.Err() == nil {
			t.link.failed(err)
		}
		return pause.wait()
	}
	t.link.worked()
	pause.reset()
	t.tellSwept(got.Swept)
	t.tell(got.Counts)
	return untilNext(got)
}

// untilNext returns how long the tender may leave the channel alone.
func untilNext(got queue.Tended) time.Duration {
	if got.More {
		return 0
	}
	if got.NextDue.IsZero() {
		return tendInterval
	}
	return min(max(got.NextDue.Sub(got.Now), tendSoonest), tendInterval)
}

// tell emits the lengths that changed.
func (t *tender) tell(counts queue.Counts) {
	now := time.Now()
	if now.Sub(t.toldAt) < lengthInterval {
		return
	}
	t.toldAt = now
	for _, state := range queue.States() {
		n := length(counts, state)
		if before, known := t.told[state]; known && before == n {
			continue
		}
		t.told[state] = n
		t.emit(Event{Kind: QueueLength, State: state, Length: n})
	}
}

func length(c queue.Counts, s queue.State) int64 {
	switch s {
	case queue.Waiting:
		return c.Waiting
	case queue.Delayed:
		return c.Delayed
	case queue.Reserved:
		return c.Reserved
	case queue.Timeout:
		return c.Timeout
	case queue.Failed:
		return c.Failed
	}
	return 0
}
