package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// HandleTimeoutPolicy says what happens to a run that takes longer than the handle
// timeout.
type HandleTimeoutPolicy string

// The policies on a passed handle timeout.
const (
	// Continue lets the run go on, while its message stands in `timeout`. That
	// is no failure, and the run's end moves nothing (but see LateSuccessPolicy).
	Continue HandleTimeoutPolicy = "Continue"
	// Cancel cancels the handler's context with the cause ErrHandleTimeout. The
	// run counts as a failed attempt whatever the handler returns, nil too: it
	// is retried while attempts are left, else it stands in `failed`. Only Fail
	// and the delay of RetryAfter are listened to. Until the handler returns, the
	// message stays in hand and nobody else gets it: a handler that ignores its
	// context keeps its slot.
	Cancel HandleTimeoutPolicy = "Cancel"
)

// LateSuccessPolicy says what happens to the message, which stands in `timeout`, of
// a run that outlived its handle timeout and then ended well.
type LateSuccessPolicy string

// The policies on late success.
const (
	// Keep leaves it there: a reload runs it again.
	Keep LateSuccessPolicy = "Keep"
	// Remove takes it out again, unless somebody reloaded it meanwhile.
	Remove LateSuccessPolicy = "Remove"
)

// ErrHandleTimeout is the cause of the cancelled context of a handler that took
// longer than the handle timeout, under the policy Cancel.
var ErrHandleTimeout = errors.New("the handle timeout has passed")

// overrun starts what the policy asks for where a run has become late.
func (t *task) overrun() {
	if t.cancel == nil {
		go t.expire()
		return
	}
	t.cancel(ErrHandleTimeout)
	go t.hold()
}

// expire moves the task's message to `timeout` while its run goes on. The run
// settles only after that.
func (t *task) expire() {
	t.passDeadline(t.worker.cfg.Store.Expire)
}

// hold keeps the task's message in hand until its run has ended. The run settles
// only after that.
func (t *task) hold() {
	t.passDeadline(t.worker.cfg.Store.Hold)
}

func (t *task) passDeadline(call func(context.Context, queue.RunID) (queue.Outcome, error)) {
	w := t.worker
	moved := t.move(func(ctx context.Context) (queue.Outcome, error) { return call(ctx, t.run.ID) })
	if job := t.job.Load(); moved != queue.WasLost && job != nil {
		w.emit(Event{Kind: TimeoutHandle, Job: job, Elapsed: time.Since(t.begun), Moved: moved})
	}
	close(t.expired)
}

// afterCancel is the failure that a run counts as whose context was cancelled at
// the handle timeout. What the handler returned is kept in words; only a verdict
// that counts the attempt, and a panic, are kept as they are.
func afterCancel(err error) error {
	found, panicked := (*answer)(nil), (*PanicError)(nil)
	switch {
	case err == nil:
		return ErrHandleTimeout
	case errors.As(err, &panicked),
		errors.As(err, &found) && (found.action == actionFail || found.action == actionRetry):
		return fmt.Errorf("%w: %w", ErrHandleTimeout, err)
	}
	return fmt.Errorf("%w: %s", ErrHandleTimeout, err.Error())
}

// withdraw takes the message of a run that ended well, but late, out of `timeout`.
func (t *task) withdraw() queue.Outcome {
	return t.move(func(ctx context.Context) (queue.Outcome, error) {
		return t.worker.cfg.Store.Withdraw(ctx, t.run.ID)
	})
}
