package poll

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// mind moves what is due where it is time to look for that. It does not ask about
// nothing. Where Redis does not answer, the next look at all queues, at its time, finds
// that out, and until then nothing is minded.
func (l *loop) mind(ctx context.Context) {
	targets := l.unminded(time.Now())
	if len(targets) == 0 {
		return
	}
	keys := make([]types.NamespacedName, 0, len(targets))
	for key := range targets {
		keys = append(keys, key)
	}
	began := time.Now()
	asking, cancel := context.WithTimeout(ctx, l.config.Deadline/2)
	defer cancel()
	looks, dueIn, err := l.conn.Mind(asking, keys)
	if err != nil {
		l.mindNothing()
		return
	}
	l.minded(dueIn, began)
	for key := range looks {
		if l.note(key, targets[key], looks[key], began) {
			l.wake(key)
		}
	}
}

// unminded returns the queues that are to be minded now. What becomes of them says
// when they are again, at the latest with the next look at all queues.
func (l *loop) unminded(now time.Time) map[types.NamespacedName]Target {
	l.mu.Lock()
	defer l.mu.Unlock()
	targets := map[types.NamespacedName]Target{}
	for key, e := range l.queues {
		if !e.mindAt.IsZero() && !e.mindAt.After(now) {
			targets[key] = e.target
			e.mindAt = time.Time{}
		}
	}
	return targets
}

// minded notes that nothing is due, and how soon something will be.
func (l *loop) minded(dueIn map[types.NamespacedName]time.Duration, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, in := range dueIn {
		if e := l.queues[key]; e != nil {
			e.mindAt = mindAt(began, e.seen.Tenders, in)
		}
	}
}

func (l *loop) mindNothing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.queues {
		e.mindAt = time.Time{}
	}
}

// mindAt is when to look for due messages after a look that began then. Zero: those
// who tend the queue are enough. Without them the poller is there when the next known
// message falls due.
func mindAt(began time.Time, tenders int, dueIn time.Duration) time.Time {
	switch {
	case tenders > 1:
		return time.Time{}
	case tenders == 1:
		return began.Add(mindBeside)
	case dueIn > 0:
		return began.Add(min(dueIn, mindAlone))
	}
	return began.Add(mindAlone)
}
