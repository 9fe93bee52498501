package queue

import "time"

const (
	// deadAfter is how long a beat may stay the same, in time that the observer has really seen.
	deadAfter = 8 * time.Second
	// longestStep is how much of that one pair of looks can count for.
	longestStep = 2 * time.Second
)

// watch finds dead workers. Only the time between two successful looks in a row counts, and no
// more than 2 s of it, so that an outage of Redis, a frozen observer or a step of a clock does not
// declare everybody dead.
type watch struct {
	last    time.Time // of the last look, if it succeeded; zero: it did not
	workers map[string]*sighting
}

type sighting struct {
	beat      string
	unchanged time.Duration
}

func newWatch() watch { return watch{workers: map[string]*sighting{}} }

// miss notes a look that failed.
func (w *watch) miss() { w.last = time.Time{} }

// look takes in the beats of now, which must carry a monotonic clock reading, and returns those of
// dead workers. A dead one is returned by every look until its beat changes or is gone.
func (w *watch) look(now time.Time, beats []Beat) []Beat {
	step := time.Duration(0)
	if !w.last.IsZero() {
		step = min(max(now.Sub(w.last), 0), longestStep)
	}
	w.last = now
	var dead []Beat
	seen := make(map[string]*sighting, len(beats))
	for _, beat := range beats {
		s := w.workers[beat.ID]
		if s == nil || s.beat != beat.text {
			s = &sighting{beat: beat.text}
		} else {
			s.unchanged += step
		}
		seen[beat.ID] = s
		if s.unchanged >= deadAfter {
			dead = append(dead, beat)
		}
	}
	w.workers = seen
	return dead
}
