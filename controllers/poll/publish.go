package poll

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// publish notes the outcome of a look that began then, and wakes whom it concerns. A
// queue that was added or changed meanwhile is left for the next look.
func (l *loop) publish(targets map[types.NamespacedName]Target, results map[types.NamespacedName]Result, err error, began time.Time) {
	for key, target := range targets {
		r := results[key]
		if err != nil {
			r.Err = err
		}
		if l.note(key, target, r, began) {
			l.wake(key)
		}
	}
}

// note updates one queue and says whether a reconcile would do something else
// now.
func (l *loop) note(key types.NamespacedName, target Target, r Result, began time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.queues[key]
	if e == nil || !e.target.samePlace(target) {
		return false
	}
	shown := false
	if r.Err != nil {
		e.failed(r.Err)
		e.mindAt = time.Time{}
	} else {
		shown = e.succeeded(r.Look, time.Now())
		e.mindAt = mindAt(began, r.Look.Tenders, r.Look.DueIn)
	}
	if shown {
		e.patience = l.patience()
	}
	digest := e.target.Digest(e.seen)
	changed := digest != e.digest
	e.digest = digest
	return shown || changed
}

// succeeded notes what a look found, and says whether the shown backlog followed.
func (e *entry) succeeded(look Look, now time.Time) bool {
	if e.seen.At.IsZero() || e.seen.Fault != nil {
		e.seen.Since = now
	}
	e.failures = 0
	e.seen.Look, e.seen.At, e.seen.Fault = look, now, nil
	e.seen.Rates, e.seen.Age = e.flow.add(look, now)
	e.seen.Consumers = e.foreigners(look, now)
	return e.show(now)
}

// foreigners says whether Hyperf's consumers were seen of late. Time without a
// look does not count as time without them.
func (e *entry) foreigners(look Look, now time.Time) Foreigners {
	switch {
	case look.Foreign > 0:
		e.foreignAt = now
		return ForeignersSeen
	case !e.foreignAt.IsZero() && now.Sub(e.foreignAt) < foreignFor:
		return ForeignersSeen
	case now.Sub(e.seen.Since) < foreignFor:
		return e.seen.Consumers
	}
	return ForeignersGone
}

// failed notes a failed look. One that Redis itself refused is believed at once,
// silence only when it lasts.
func (e *entry) failed(err error) {
	e.failures++
	fault := faultOf(err, *e.target.Redis)
	if fault.passing && e.failures <= tolerated && !e.seen.At.IsZero() {
		return
	}
	e.seen.Fault = fault
}

// show lets the shown backlog follow, and says whether it did.
func (e *entry) show(now time.Time) bool {
	s := &e.seen
	due := s.ShownAt.IsZero() || !s.Shown.sameZeros(s.Backlog) ||
		(s.Shown != s.Backlog && now.Sub(s.ShownAt) >= e.patience)
	if due {
		s.Shown, s.ShownAt = s.Backlog, now
	}
	return due
}
