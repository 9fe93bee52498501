package worker

import (
	"errors"
	"fmt"
	"time"
)

// Requeue as a handler's answer puts the message back to run again later, as
// if it had not run: no attempt is counted. The delay is the one before the next
// retry; RequeueAfter chooses another. It may be wrapped.
var Requeue error = &answer{action: actionRequeue}

// Drop as a handler's answer removes the message although it was not done. It
// may be wrapped, to say why.
var Drop error = &answer{action: actionDrop}

// ErrUnknownType says that this worker has no handler for the job. The message is
// handed back after 5 s, so that another version of the worker may take it; no
// attempt is counted.
var ErrUnknownType = errors.New("no handler for this type of job")

// RetryAfter is a failed attempt that is retried after delay instead of the
// queue's own. Without attempts left the message goes to `failed`.
func RetryAfter(delay time.Duration, err error) error {
	return &answer{action: actionRetry, delay: max(delay, 0), timed: true, err: err}
}

// RequeueAfter is Requeue with a delay of its own.
func RequeueAfter(delay time.Duration) error {
	return &answer{action: actionRequeue, delay: max(delay, 0), timed: true}
}

// Fail sends the message to `failed` at once, with err as the reason.
func Fail(err error) error {
	return &answer{action: actionFail, err: err}
}

// PanicError is what a handler's panic becomes: a failed attempt.
type PanicError struct {
	// Value is what was passed to panic.
	Value any
	// Stack is the goroutine's stack where it happened.
	Stack []byte
}

// Error returns the panic's value.
func (e *PanicError) Error() string { return fmt.Sprintf("handler panicked: %v", e.Value) }

// Unwrap returns the panic's value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit stands for a handler that ended its goroutine.
var errGoexit = errors.New("handler ended its goroutine by runtime.Goexit")

// action is what becomes of a message after a run.
type action int

const (
	actionAck action = iota
	actionRetry
	actionRequeue
	actionDrop
	actionFail
)

// String names the action as metrics do.
func (a action) String() string {
	switch a {
	case actionAck:
		return "ack"
	case actionRetry:
		return "retry"
	case actionRequeue:
		return "requeue"
	case actionDrop:
		return "drop"
	case actionFail:
		return "fail"
	}
	return "unknown"
}

// answer is a verdict of the handler in the shape of an error.
type answer struct {
	action action
	delay  time.Duration
	timed  bool // delay was chosen by the handler
	err    error
}

// Error says what the handler asked for, and why.
func (a *answer) Error() string {
	if a.err != nil {
		return a.err.Error()
	}
	return "handler asked for " + a.action.String()
}

// Unwrap returns the handler's reason.
func (a *answer) Unwrap() error { return a.err }
