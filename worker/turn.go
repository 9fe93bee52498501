package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asyncqueue/operator/queue"
)

const (
	// turnMargin is how long before the end of its lease a worker stops what it
	// runs: the time that handlers have to end.
	turnMargin = 2 * time.Second
	// turnRenewal is the time between two renewals; two may fail.
	turnRenewal = 2500 * time.Millisecond
	// turnRetry is how often a worker asks for the turn of another.
	turnRetry = time.Second
	// turnPatience bounds one call for the turn.
	turnPatience = 2 * time.Second
)

// ErrTurnLost is the cause of the cancelled context of a handler of an exclusive
// queue whose worker could not renew its turn: in 2 s another may begin. It wraps
// ErrLost.
var ErrTurnLost = fmt.Errorf("the turn at an exclusive queue could not be renewed: %w", ErrLost)

// Turn is the right to run the messages of an exclusive queue: a *queue.Turn.
type Turn interface {
	// Take asks for the turn, or renews it for another queue.TurnLease.
	Take(ctx context.Context) (first uint64, held bool, err error)
	// Give ends it, so that the next need not wait.
	Give(ctx context.Context) error
}

// turn keeps the worker's turn, and ends its run when it is lost.
type turn struct {
	*Worker

	mu          sync.Mutex
	until       time.Time // on the monotonic clock; zero: the worker does not have it
	first, used uint64    // fence numbers
	cut         context.CancelCauseFunc
	alarm       *time.Timer
}

func newTurn(w *Worker) *turn {
	t := &turn{Worker: w}
	t.alarm = time.AfterFunc(time.Hour, t.check)
	t.alarm.Stop()
	return t
}

// run takes the turn and renews it until ctx is done.
func (t *turn) run(ctx context.Context) {
	var pause backoff
	for wait := time.Duration(0); sleep(ctx, wait); {
		wait = t.take(ctx, &pause)
	}
}

// take asks for the turn once and returns when to do it again. The lease counts
// from before the call.
func (t *turn) take(ctx context.Context, pause *backoff) time.Duration {
	call, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	if t.spent() {
		t.give(call)
	}
	asked := time.Now()
	first, held, err := t.cfg.Turn.Take(call)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			t.link.failed(err)
		}
		return pause.wait()
	case !held:
		t.lost()
		pause.reset()
		return turnRetry
	}
	t.link.worked()
	pause.reset()
	t.taken(first, asked.Add(queue.TurnLease-turnMargin))
	return turnRenewal
}

func (t *turn) taken(first uint64, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first != t.first { // somebody else may have had it in between
		t.drop()
		t.first, t.used = first, 0
	}
	if t.until.IsZero() {
		t.nudge()
	}
	t.until = until
	t.alarm.Reset(time.Until(until))
}

// lost notes that the turn is another's.
func (t *turn) lost() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop()
}

// drop ends the run of this turn. It is called under the lock.
func (t *turn) drop() {
	t.until = time.Time{}
	if t.cut != nil {
		t.cut(ErrTurnLost)
	}
}

// check ends the run when the time is over.
func (t *turn) check() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.until.IsZero() && !time.Now().Before(t.until) {
		t.drop()
	}
}

// mine says whether the worker may begin a run.
func (t *turn) mine() bool {
	if t == nil {
		return true
	}
	t.check()
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.until.IsZero() && t.used < queue.TurnFences
}

// begin returns the context and the fence number of a run, or false where the
// worker may not begin one.
func (t *turn) begin(ctx context.Context) (context.Context, uint64, bool) {
	if !t.mine() {
		return ctx, 0, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx, t.cut = context.WithCancelCause(ctx)
	t.used++
	return turnContext{Context: ctx, turn: t}, t.first + t.used - 1, true
}

// ended notes that the run has ended.
func (t *turn) ended() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut != nil {
		t.cut(nil)
		t.cut = nil
	}
}

// spent says that nothing runs, and that the turn has no fence number left.
func (t *turn) spent() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used >= queue.TurnFences && t.cut == nil
}

// give lets the next worker have the turn. It is called when run has returned and
// no handler runs.
func (t *turn) give(ctx context.Context) {
	t.lost()
	if err := t.cfg.Turn.Give(ctx); err != nil {
		t.cfg.Logger.Warn("The turn could not be given up; it ends by itself.", "error", err)
	}
}

// turnContext is the context of a run at an exclusive queue. Its Err looks at the
// clock, so that a process that was stopped and goes on knows at once.
type turnContext struct {
	context.Context //nolint:containedctx // it is one
	turn            *turn
}

// Err returns why the run has to end, if so.
func (c turnContext) Err() error {
	c.turn.check()
	return c.Context.Err()
}

// surrender lets go of a message whose run ended with the turn: it goes the way of
// a lost worker's, though this one lives.
func (t *task) surrender() {
	w := t.worker
	if w.work.Err() != nil || !errors.Is(context.Cause(t.ctx), ErrTurnLost) {
		return // Leave, or the sweep, does that
	}
	if w.cfg.ContinueLost {
		t.move(func(ctx context.Context) (queue.Outcome, error) { return w.cfg.Store.Expire(ctx, t.run.ID) })
		t.acknowledge = true
		return
	}
	_ = w.insist(w.life, func() error { return w.cfg.Store.Release(w.life, t.run.ID) }) // else the sweep does it
}

// keepTurn holds the turn of an exclusive queue in the background until the
// returned function gives it up. Where a handler still runs then, its lease runs
// out instead.
func (l *loop) keepTurn(ctx context.Context) (give func()) {
	if l.turn == nil {
		return func() {}
	}
	keeping, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.turn.run(keeping)
	}()
	return func() {
		stop()
		<-ended
		if l.free == l.size {
			call, cancel := context.WithTimeout(ctx, turnPatience)
			defer cancel()
			l.turn.give(call)
		}
	}
}
