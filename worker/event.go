package worker

import (
	"context"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// EventKind is what an Event tells. The names are Hyperf's, except for
// TimeoutHandle and RequeueHandle.
type EventKind int

// The kinds of events.
const (
	// BeforeHandle: a handler is about to run.
	BeforeHandle EventKind = iota + 1
	// AfterHandle: the handler ended and the message is done, or dropped (then
	// Err wraps Drop).
	AfterHandle
	// FailedHandle: the handler failed and will not run again. The message
	// stands in `failed`, or, if Moved is not queue.Moved, elsewhere.
	FailedHandle
	// RetryHandle: the handler failed, and the message will run again.
	RetryHandle
	// TimeoutHandle: the handle timeout passed. The message stands in `timeout`
	// and the handler goes on, or, under the policy Cancel, its context was
	// cancelled.
	TimeoutHandle
	// RequeueHandle: the message was handed back without counting an attempt:
	// Requeue, or no handler for its type.
	RequeueHandle
	// QueueLength: how many messages stand in one state. Only the worker that
	// tends the channel sends it, when the number changed, at most every 10 s.
	QueueLength
)

// String returns the name of the kind.
func (k EventKind) String() string {
	switch k {
	case BeforeHandle:
		return "BeforeHandle"
	case AfterHandle:
		return "AfterHandle"
	case FailedHandle:
		return "FailedHandle"
	case RetryHandle:
		return "RetryHandle"
	case TimeoutHandle:
		return "TimeoutHandle"
	case RequeueHandle:
		return "RequeueHandle"
	case QueueLength:
		return "QueueLength"
	}
	return "unknown"
}

// Event is something that happened to a job, or a length of the queue.
type Event struct {
	Kind EventKind
	// Job is the run it happened to. Nil for QueueLength.
	Job *Job
	// Err is what the handler returned.
	Err error
	// Elapsed is how long the run has taken, where it began.
	Elapsed time.Duration
	// Delay is how long the message rests before it runs again: RetryHandle and
	// RequeueHandle.
	Delay time.Duration
	// Moved says, at the end of a run, whether the message was still the run's
	// to move. It is not when the run was late or the worker had been taken for
	// dead.
	Moved queue.Outcome
	// Late says that the handle timeout had passed before the run ended.
	Late bool
	// State and Length are those of QueueLength.
	State  queue.State
	Length int64
}

// Listener is told of events. It is called by many goroutines at once, before
// the next step of the job, and must not block.
type Listener func(ctx context.Context, e Event)
