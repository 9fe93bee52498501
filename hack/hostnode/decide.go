//go:build linux

package main

import "time"

// step is what a pod needs next.
type step struct {
	start []*containerState // now
	stop  []*containerState // sidecars of a pod whose work is done
	wake  time.Time         // look again then; zero = not before something happens
}

// next decides, from the states in the order of the specification, which
// containers to start.
func next(states []*containerState, now time.Time) step {
	var st step
	ready := true // for the containers after the init containers
	for _, s := range states {
		if s.role == mainRole || !ready {
			continue
		}
		switch {
		case s.running:
			ready = s.role == sidecarRole && s.started
		case s.wanted():
			if s.role == sidecarRole && workIsOver(states) {
				continue
			}
			ready = false
			st.startWhenDue(s, now)
		case s.failed():
			return step{stop: runningSidecars(states)}
		}
	}
	if workIsOver(states) {
		st.stop = runningSidecars(states)
		return st
	}
	for _, s := range states {
		if ready && s.role == mainRole && !s.running && s.wanted() {
			st.startWhenDue(s, now)
		}
	}
	return st
}

func (st *step) startWhenDue(s *containerState, now time.Time) {
	due := s.due()
	if !due.After(now) {
		st.start = append(st.start, s)
		return
	}
	st.wakeAt(due)
}

// wakeAt moves the wake-up forward to t.
func (st *step) wakeAt(t time.Time) {
	if st.wake.IsZero() || t.Before(st.wake) {
		st.wake = t
	}
}

// workIsOver tells that no main container will run any more, or that an init
// container has failed for good.
func workIsOver(states []*containerState) bool {
	for _, s := range states {
		if s.role == initRole && s.failed() {
			return true
		}
	}
	for _, s := range states {
		if s.role == mainRole && (s.running || s.wanted()) {
			return false
		}
	}
	return true
}

func runningSidecars(states []*containerState) []*containerState {
	var out []*containerState
	for _, s := range states {
		if s.role == sidecarRole && s.running {
			out = append(out, s)
		}
	}
	return out
}
