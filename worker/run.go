package worker

import (
	"github.com/asyncqueue/operator/worker/payload"
)

// undecodable stands for the type of a message that could not be decoded.
const undecodable = "undecodable"

// oversized stands for the type of a message that was too large to be claimed.
const oversized = "oversized"

// process runs the task's message and settles it. The settling is deferred, so
// that a handler that ends its goroutine does not keep its slot.
func (t *task) process() {
	job, err := t.decode()
	t.job.Store(job)
	defer func() {
		t.settle(job, err, t.end())
		t.finish()
	}()
	if err != nil {
		return
	}
	t.worker.emit(Event{Kind: BeforeHandle, Job: job})
	err = errGoexit
	err = recovered(t.ctx, t.worker.handler, job)
}

// decode reads the task's message. An error is the verdict Fail, and comes with a
// Job for the events.
func (t *task) decode() (*Job, error) {
	message, err := payload.Decode(t.run.Payload)
	if err != nil {
		return &Job{Type: undecodable, Attempt: 1, Redelivered: t.run.Redelivered}, Fail(err)
	}
	most, ok := message.MaxAttempts()
	if !ok {
		most = t.worker.cfg.MaxAttempts
	}
	return &Job{
		ID:          message.ID(),
		Type:        message.Type(),
		Attempt:     message.Attempts() + 1,
		MaxAttempts: most,
		Redelivered: t.run.Redelivered,
		Fence:       t.fence,
		Message:     message,
	}, nil
}

// finish gives the task back to the loop. t must not be touched afterwards.
func (t *task) finish() {
	w := t.worker
	w.finished.push(t)
	w.bell.ended.Add(1)
	w.ring()
}

// handBack releases a message whose run never began. Where that does not
// succeed, it is still in hand, for Leave or the sweep.
func (t *task) handBack() {
	w := t.worker
	_ = w.insist(w.life, func() error { return w.cfg.Store.Release(w.life, t.run.ID) })
	t.finish()
}
