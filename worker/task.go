package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// task is a slot for one claimed message on its way through the worker. Tasks are
// used again. The loop hands them to the crew, which gives each back by pushing it
// on the stack of the finished.
type task struct {
	worker *Worker
	run    queue.Run
	begun  time.Time               // when the claim's answer came
	ctx    context.Context         //nolint:containedctx // of the run: a task is one on its way
	cancel context.CancelCauseFunc // cancels ctx; nil unless the handle timeout does so

	fence uint64 // of an exclusive queue; else 0

	job atomic.Pointer[Job] // for the goroutine that expires it
	// acknowledge asks the loop to let the id ride on the next exchange.
	acknowledge bool
	phase       atomic.Int32
	// expired is closed when Redis knows that the run is late. Set before phase
	// becomes phaseLate.
	expired chan struct{}

	next          *task // to begin after this one, on the stack of the finished, or spare
	earlier, more *task // in the list of the running
	listed        bool
}

// The phases of a task. Only one of the run's end and the handle timeout wins.
const (
	phaseRunning int32 = iota
	phaseEnded
	phaseLate
)

// end marks the handler's end, and says how far the message is the run's own.
// Where the timeout came first, it waits until Redis knows that.
func (t *task) end() queue.Outcome {
	if t.phase.CompareAndSwap(phaseRunning, phaseEnded) {
		return queue.Moved
	}
	<-t.expired
	return queue.WasLate
}

// late marks the timeout, unless the handler has ended. It is called by the loop.
func (t *task) late() bool {
	t.expired = make(chan struct{})
	return t.phase.CompareAndSwap(phaseRunning, phaseLate)
}

// stack takes finished tasks from many goroutines and gives them to one, without
// a lock.
type stack struct {
	top atomic.Pointer[task]
}

func (s *stack) push(t *task) {
	for {
		top := s.top.Load()
		t.next = top
		if s.top.CompareAndSwap(top, t) {
			return
		}
	}
}

// takeAll empties the stack; the tasks hang together by next.
func (s *stack) takeAll() *task { return s.top.Swap(nil) }

// running lists the tasks in the order of their start, which is the order of
// their deadlines, since all have the same handle timeout: those that are late
// come first. It belongs to the loop.
type running struct {
	first, last *task
	onTime      *task // the first that is not late; nil: none
}

func (r *running) add(t *task) {
	t.earlier, t.more, t.listed = r.last, nil, true
	if r.last == nil {
		r.first = t
	} else {
		r.last.more = t
	}
	r.last = t
	if r.onTime == nil {
		r.onTime = t
	}
}

func (r *running) remove(t *task) {
	if !t.listed {
		return
	}
	if r.onTime == t {
		r.onTime = t.more
	}
	if t.earlier == nil {
		r.first = t.more
	} else {
		t.earlier.more = t.more
	}
	if t.more == nil {
		r.last = t.earlier
	} else {
		t.more.earlier = t.earlier
	}
	t.earlier, t.more, t.listed = nil, nil, false
}

// popOverdue returns the next task that began before limit and is on time still,
// and counts it among the late from now on.
func (r *running) popOverdue(limit time.Time) *task {
	t := r.onTime
	if t == nil || t.begun.After(limit) {
		return nil
	}
	r.onTime = t.more
	return t
}
