package worker

import (
	"context"
	"errors"
	"fmt"

	"sync"
	"sync/atomic"
	"time"
)

// windUp is how long handlers may take to return once their context is
// cancelled at the end of the drain, and how long the worker then tries to say
// goodbye to Redis.
const windUp = 3 * time.Second

// ErrDraining is the cause of the cancelled context of a handler that outlived
// the drain.
var ErrDraining = errors.New("the worker's drain time is over")

// ErrLost is the cause of the cancelled context of a handler whose message was
// given to others: Redis did not hear from this worker for so long that it was
// taken for dead. What the handler does from now on may be done twice.
var ErrLost = errors.New("the worker was taken for dead, and its messages given to others")

// ErrRecycled is what Run returns when the worker has ended so that its process can
// be replaced by a fresh one.
var ErrRecycled = errors.New("the worker has handled as many messages as it may")

// Worker consumes one queue. Make it with New.
type Worker struct {
	cfg     Config
	handler Handler

	started   atomic.Bool
	crew      crew
	finished  stack
	bell      bell
	wake      chan struct{} // the loop has something to look at
	landed    atomic.Bool   // a beat found a message in the inbox
	lives     lives
	link      link
	pulse     pulse
	load      load
	recycling atomic.Bool  // Recycle was called
	slots     atomic.Int64 // what SetConcurrency asks for

	// work is the context of handlers; life that of calls to the store, which
	// outlives it.
	work, life context.Context //nolint:containedctx // both belong to Run, and reach every task
}

// New returns a worker that gives the messages of cfg.Store to h. The error names
// the field of cfg that is wrong.
func New(cfg Config, h Handler) (*Worker, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("making a worker: %w", err)
	}
	if h == nil {
		return nil, errors.New("making a worker: the handler must not be nil")
	}
	w := &Worker{cfg: cfg, handler: h, wake: make(chan struct{}, 1)}
	w.link.log = cfg.Logger
	w.crew.rested = w.ring
	w.slots.Store(int64(cfg.Concurrency))
	if cfg.Metrics != nil {
		w.cfg.Listeners = append([]Listener{cfg.Metrics.listen}, cfg.Listeners...)
		w.link.onError = cfg.Metrics.redisError
		cfg.Metrics.watch(w)
	}
	return w, nil
}

// Run consumes until ctx is cancelled. Then it claims nothing more, waits for the
// handlers as long as Config.Drain says, gives back what it still holds, and
// returns nil. Errors of Redis never end it: they are retried for ever. It may be
// called once.
//
// After Config.MaxMessages, or when Recycle was called, it does the same by itself
// and returns ErrRecycled.
func (w *Worker) Run(ctx context.Context) error {
	if w.started.Swap(true) {
		return errors.New("running a worker: it has run before")
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	work, cut := context.WithCancelCause(life)
	defer cut(nil)
	w.life, w.work = life, work
	w.pulse.beat(time.Now())

	if err := w.insist(ctx, func() error { return w.cfg.Store.Register(ctx) }); err != nil {
		return nil // asked to stop before Redis answered: nothing is held
	}
	w.lives.begin()
	w.pulse.joined()

	var duties sync.WaitGroup
	tender := newTender(w)
	duties.Go(func() { tender.run(life) })
	duties.Go(func() { w.beatUntil(life, tender) })
	loop := newLoop(w, cut)
	giveTurn := loop.keepTurn(life)
	loop.run(ctx)

	w.leave()
	giveTurn()
	end()
	duties.Wait()
	if loop.recycles {
		return ErrRecycled
	}
	return nil
}

// Recycle makes Run drain and return ErrRecycled, as if Config.MaxMessages had been
// reached. It may be called at any time, and more than once.
func (w *Worker) Recycle() {
	w.recycling.Store(true)
	w.nudge()
}

// SetConcurrency changes the number of handlers that run at once to n, at least 1.
// It may be called at any time, by any goroutine. More begin at once; where fewer
// are wanted, none is interrupted: nothing is claimed until enough of them ended.
func (w *Worker) SetConcurrency(n int) error {
	if n < 1 {
		return fmt.Errorf("setting the concurrency: want at least 1, not %d", n)
	}
	if w.cfg.Turn != nil && n > 1 {
		return fmt.Errorf("setting the concurrency: want 1 for an exclusive queue, not %d", n)
	}
	w.slots.Store(int64(n))
	w.nudge()
	return nil
}

// Concurrency returns the number of handlers that may run at once.
func (w *Worker) Concurrency() int { return int(w.slots.Load()) }

// leave gives back what is still held. Where Redis does not answer, the others
// find out by the missing beats.
func (w *Worker) leave() {
	w.pulse.left()
	ctx, cancel := context.WithTimeout(w.life, windUp)
	defer cancel()
	if err := w.insist(ctx, func() error { return w.cfg.Store.Leave(ctx) }); err != nil {
		w.cfg.Logger.Warn("Left without giving back what was held; it comes back when the beats are missed.", "error", err)
	}
}

// emit tells every listener of e.
func (w *Worker) emit(e Event) {
	for _, tell := range w.cfg.Listeners {
		tell(w.work, e)
	}
}

// ring wakes the loop if there is enough to look at. Where a processor is free it looks at once, and Redis
// works on the next exchange while runs go on; where none is, more ride together, which spares Redis.
func (w *Worker) ring() {
	if w.bell.rings(&w.crew) {
		w.nudge()
	}
}

// nudge wakes the loop.
func (w *Worker) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
