package worker

import (
	"context"
	"errors"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// settle does what the handler's answer asks for. A message that is done costs
// no call: its acknowledgement rides on the loop's next exchange. own is
// queue.WasLate for a run that outlived its handle timeout.
func (t *task) settle(job *Job, err error, own queue.Outcome) {
	w := t.worker
	late := own == queue.WasLate
	cancelled := late && t.cancel != nil
	if cancelled {
		err, own = afterCancel(err), queue.Moved
	}
	if err == nil {
		e := Event{Kind: AfterHandle, Job: job, Elapsed: time.Since(t.begun), Moved: own, Late: late}
		if late && w.cfg.OnLateSuccess == Remove {
			e.Moved = t.withdraw()
		} else {
			t.acknowledge = true
		}
		w.emit(e)
		return
	}
	if !cancelled && t.interrupted(err) {
		t.surrender()
		return
	}
	d := w.judge(job, err)
	e := Event{Job: job, Err: err, Elapsed: time.Since(t.begun), Delay: d.delay, Moved: own, Late: late}
	switch d.action {
	case actionAck, actionDrop:
		t.acknowledge = true
		e.Kind = AfterHandle
	case actionRetry:
		e.Kind = RetryHandle
		e.Moved = t.move(func(ctx context.Context) (queue.Outcome, error) {
			return w.cfg.Store.Retry(ctx, t.run.ID, job.Message.Retry(), d.delay)
		})
		if e.Moved != queue.Moved {
			e.Kind, e.Delay = FailedHandle, 0 // it will not run again on this one's account
		}
	case actionRequeue:
		e.Kind = RequeueHandle
		e.Moved = t.move(func(ctx context.Context) (queue.Outcome, error) {
			return w.cfg.Store.Requeue(ctx, t.run.ID, d.delay)
		})
	case actionFail:
		e.Kind = FailedHandle
		e.Moved = t.move(func(ctx context.Context) (queue.Outcome, error) {
			return w.cfg.Store.Fail(ctx, t.run.ID, err.Error())
		})
	}
	w.emit(e)
}

// judge decides about a run that did not end with nil.
func (w *Worker) judge(job *Job, err error) decision {
	return decide(err, history{
		attempts:    job.Attempt - 1,
		maxAttempts: job.MaxAttempts,
		schedule:    w.cfg.Retry,
	})
}

// move repeats call until the store has taken it. Where the worker was taken for
// dead meanwhile, or ends, the run is not its own any more.
func (t *task) move(call func(context.Context) (queue.Outcome, error)) queue.Outcome {
	w := t.worker
	var outcome queue.Outcome
	err := w.insist(w.life, func() (err error) {
		outcome, err = call(w.life)
		return err
	})
	if err != nil {
		return queue.WasLost
	}
	return outcome
}

// interrupted says whether err is a handler's answer to the end of the drain, or
// to the loss of its message. Such a run was neither done nor failed: its message
// stays in hand and goes the way of a lost worker's, or has gone that way.
func (t *task) interrupted(err error) bool {
	return t.ctx.Err() != nil &&
		(errors.Is(err, context.Canceled) || errors.Is(err, ErrDraining) || errors.Is(err, ErrLost))
}
