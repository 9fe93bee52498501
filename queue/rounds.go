package queue

import "time"

const (
	// silentFor is how long a worker may have been silent, through successful beats of this one, before
	// it is dead: deadAfter, less what timers of beats deviate.
	silentFor = deadAfter - 200*time.Millisecond
	// suspectAfter is the silence from which Redis is asked to name a worker.
	suspectAfter = silentFor - longestStep
)

// rounds is what a worker has seen of the others through its own beats: the beats of a channel are
// numbered, so that all whose number is below that of an old beat of one's own have been silent since.
// It finds the dead at no cost, also when those who watch died with them. As with watch, only time
// between two successful beats in a row counts, and no more than 2 s of it.
type rounds struct {
	last   time.Time // of the last beat, if it succeeded; zero: it did not
	number uint64    // of the last successful beat
	seen   time.Duration
	beats  []round // oldest first
}

type round struct {
	number uint64
	at     time.Duration // of seen
}

// miss notes a beat that failed.
func (r *rounds) miss() { r.last = time.Time{} }

// took notes a successful beat of now, which must carry a monotonic clock reading. A number that goes
// back shows that Redis lost the row, and with it what was seen.
func (r *rounds) took(number uint64, now time.Time) {
	if number <= r.number {
		*r = rounds{}
	}
	if !r.last.IsZero() {
		r.seen += min(max(now.Sub(r.last), 0), longestStep)
	}
	r.last, r.number = now, number
	for len(r.beats) > 1 && r.seen-r.beats[1].at >= silentFor {
		r.beats = r.beats[1:]
	}
	r.beats = append(r.beats, round{number, r.seen})
}

// suspect returns the number of the beat since which a worker must have been silent to be named; 0: none.
func (r *rounds) suspect() uint64 { return r.since(suspectAfter) }

// isDead reports whether a worker whose last beat has this number has been silent for too long.
func (r *rounds) isDead(number uint64) bool { return number < r.since(silentFor) }

// since returns the number of the newest beat that is at least so old; 0: none.
func (r *rounds) since(age time.Duration) uint64 {
	number := uint64(0)
	for _, b := range r.beats {
		if r.seen-b.at >= age {
			number = b.number
		}
	}
	return number
}
