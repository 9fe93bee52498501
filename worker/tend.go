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
	// deputyInterval makes a deputy notice the death of the tender within 10 s:
	// a worker is dead after 8 s of looks that saw no beat of it.
	deputyInterval = 1150 * time.Millisecond
	// deputies is how many workers watch beside the tender. Should the tender be the
	// first by name itself, or the deputy die with it, the beats of all others find
	// that out: see queue.Consumer.Beat.
	deputies = 1
	// bystanderInterval, times the number of workers, is how often the others
	// look whether they are deputies.
	bystanderInterval = 5 * time.Second
	// lengthInterval is the shortest time between two QueueLength events of one
	// state.
	lengthInterval = 10 * time.Second
)

// tender looks after the channel while the store appoints this worker to, and
// otherwise watches with few others: who has to find out that the tender died
// must have seen it alive.
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

// run looks after the channel as often as its part asks for, until ctx is done.
func (t *tender) run(ctx context.Context) {
	if t.cfg.Keeper == nil {
		return
	}
	var pause backoff
	for {
		again := time.NewTimer(t.tend(ctx, &pause))
		select {
		case <-ctx.Done():
		case <-t.change:
		case <-again.C:
		}
		again.Stop()
		if ctx.Err() != nil {
			return
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
	if !t.appointed.Load() {
		return untilNextWatch(got.Beats, t.cfg.Store.ID())
	}
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

// untilNextWatch returns when a worker that is not the tender looks again. The
// first in the order of names are the deputies; beats are in this order.
func untilNextWatch(beats []queue.Beat, self string) time.Duration {
	for _, beat := range beats[:min(deputies, len(beats))] {
		if beat.ID == self {
			return deputyInterval
		}
	}
	return bystanderInterval * time.Duration(max(len(beats), 1))
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
