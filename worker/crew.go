package worker

import (
	"sync"
	"sync/atomic"
)

// crew runs tasks, each as soon as it is given, on goroutines that it keeps: as
// many as there are runs at once. A member that has ended a run takes the next
// task itself, and wakes another only if more are left; so many short runs pass
// with few switches between goroutines, and none waits behind a long one.
type crew struct {
	mu          sync.Mutex
	first, last *task   // those that no member has taken yet, linked by next
	idle        *member // those that sleep, linked by next: the last one to lie down is woken first
	waking      bool    // a member was woken that has not looked for a task yet
	ended       bool

	backlog atomic.Bool // some wait: first is not nil
	rested  func()      // called when that ends
}

// member is one goroutine of a crew.
type member struct {
	wake chan struct{}
	next *member
}

// begin lets the crew run the tasks of a list that is linked by next.
func (c *crew) begin(first, last *task) {
	c.mu.Lock()
	if c.first == nil {
		c.first = first
	} else {
		c.last.next = first
	}
	c.last = last
	c.backlog.Store(true)
	woken := c.call()
	c.mu.Unlock()
	woken.up(c)
}

// call chooses who shall look for a task besides those that are awake: nobody
// where nothing waits, or somebody is on the way already. c.mu is held.
func (c *crew) call() *member {
	if c.first == nil || c.waking {
		return nil
	}
	c.waking = true
	m := c.idle
	if m == nil {
		return &member{}
	}
	c.idle = m.next
	return m
}

// up wakes the member that call has chosen, or makes it begin.
func (m *member) up(c *crew) {
	switch {
	case m == nil:
	case m.wake == nil:
		m.wake = make(chan struct{}, 1)
		go c.serve(m, true)
	default:
		m.wake <- struct{}{}
	}
}

// serve runs tasks until the crew ends. A handler that ends its goroutine ends
// this one; then another takes its place.
func (c *crew) serve(m *member, woken bool) {
	served := false
	defer func() {
		if !served {
			go c.serve(m, false)
		}
	}()
	for t := c.take(m, woken); t != nil; t = c.take(m, false) {
		t.process()
	}
	served = true
}

// take returns the next task, for which it sleeps if need be, or nil at the end.
func (c *crew) take(m *member, woken bool) *task {
	c.mu.Lock()
	for {
		if woken {
			c.waking = false
		}
		if c.first != nil || c.ended {
			break
		}
		m.next, c.idle = c.idle, m
		c.mu.Unlock()
		<-m.wake
		woken = true
		c.mu.Lock()
	}
	t := c.first
	if t != nil {
		c.first, t.next = t.next, nil
	}
	rests := t != nil && c.first == nil
	if rests {
		c.backlog.Store(false)
	}
	other := c.call()
	c.mu.Unlock()
	other.up(c)
	if rests {
		c.rested()
	}
	return t
}

// end lets the members go, each when the run ends that it is busy with.
func (c *crew) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for m := c.idle; m != nil; m = c.idle {
		c.idle = m.next
		m.wake <- struct{}{}
	}
}
