package worker

import (
	"errors"
	"time"
)

// unknownTypeDelay is how long a message without a handler rests before another
// worker may take it.
const unknownTypeDelay = 5 * time.Second

// emptyScheduleDelay is the delay before a retry where the schedule is empty, as
// in Hyperf.
const emptyScheduleDelay = 10 * time.Second

// decision is what becomes of a message after a run.
type decision struct {
	action action
	delay  time.Duration // of a retry or requeue
}

// history is what a decision needs to know of a message.
type history struct {
	attempts    int // failed attempts before this run
	maxAttempts int // n allows n+1 runs
	schedule    []time.Duration
}

// decide judges what a handler returned.
//
//	the handler says      attempts left  action
//	nil                   -              ack
//	Requeue, Drop, Fail   -              that
//	ErrUnknownType        -              requeue after 5 s
//	a panic, of any value yes            retry
//	any other error       yes            retry
//	any other error       no             fail
func decide(err error, h history) decision {
	if err == nil {
		return decision{action: actionAck}
	}
	said := answer{action: actionRetry}
	panicked, found := (*PanicError)(nil), (*answer)(nil)
	switch {
	case errors.As(err, &panicked): // whatever its value: it was no answer
	case errors.As(err, &found):
		said = *found
	case errors.Is(err, ErrUnknownType):
		return decision{action: actionRequeue, delay: unknownTypeDelay}
	}
	if said.action == actionRetry && h.attempts >= h.maxAttempts {
		return decision{action: actionFail}
	}
	if !said.timed {
		said.delay = retryDelay(h.schedule, h.attempts)
	}
	if said.action != actionRetry && said.action != actionRequeue {
		said.delay = 0
	}
	return decision{action: said.action, delay: said.delay}
}

// Verdict names what a worker does with a message whose handler returned err
// while attempts are left: ack, retry, requeue, drop or fail, with the delay that
// the handler chose (below 0: none). It is for the tests of handlers.
func Verdict(err error) (action string, delay time.Duration) {
	d := decide(err, history{maxAttempts: 1, schedule: []time.Duration{-1}})
	return d.action.String(), d.delay
}

// retryDelay returns the delay before the next run of a message that failed
// attempts times before. The last entry repeats.
func retryDelay(schedule []time.Duration, attempts int) time.Duration {
	if len(schedule) == 0 {
		return emptyScheduleDelay
	}
	return schedule[min(max(attempts, 0), len(schedule)-1)]
}
