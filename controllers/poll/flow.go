package poll

import (
	"encoding/json"
	"time"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

// longestPeek is how long a message may be to be looked into for its time, in
// bytes.
const longestPeek = 64 << 10

// flow follows one queue from look to look.
type flow struct {
	meter autoscale.Meter
	// done is what each worker had done when it was last seen; nil before the first
	// look.
	done map[string]uint64
	// empty is when nothing waited, as far as was seen.
	empty time.Time
}

// add takes a look into account. The age that it returns is no greater than what
// was seen: a message that was delayed carries the time at which it was made.
func (f *flow) add(look Look, now time.Time) (autoscale.Rates, time.Duration) {
	f.meter = f.meter.Add(autoscale.Sample{
		At: now, Waiting: look.Backlog.Waiting, InHand: look.InHand, Done: f.ended(look.Workers),
	})
	if look.Backlog.Waiting == 0 || f.empty.IsZero() {
		f.empty = now
	}
	return f.meter.Rates(), min(look.Age, now.Sub(f.empty))
}

// ended is how many runs have ended since the last look. What a worker did
// between its last beat and its end is not known.
func (f *flow) ended(workers []Worker) int64 {
	sum, known := uint64(0), make(map[string]uint64, len(workers))
	for _, w := range workers {
		if before := f.done[w.ID]; f.done != nil && w.Done >= before {
			sum += w.Done - before
		}
		known[w.ID] = w.Done
	}
	f.done = known
	return int64(sum) //nolint:gosec // no worker ends that many runs
}

// ageOf is how long a message has waited that carries the time at which it was
// made, as a CloudEvent may. Zero: unknown. A retried one says nothing: its time is
// that of its first attempt.
func ageOf(message string, now time.Time) time.Duration {
	if message == "" || message[0] != '{' {
		return 0
	}
	var event struct {
		Time     time.Time `json:"time"`
		Attempts int       `json:"attempts"`
	}
	if json.Unmarshal([]byte(message), &event) != nil || event.Time.IsZero() || event.Attempts > 0 {
		return 0
	}
	return max(0, now.Sub(event.Time))
}
