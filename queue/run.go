package queue

import "strconv"

// RunID names one run: one attempt of one worker at one message. It has 16 digits: the epoch second
// of the handle deadline, by the clock of Redis, and six digits that tell the runs of that second
// apart. The run's score in `reserved` is the same number divided by a million.
type RunID uint64

// String returns the id as it stands in the worker's hand in Redis.
func (id RunID) String() string { return strconv.FormatUint(uint64(id), 10) }

// Run is a message in hand.
type Run struct {
	ID      RunID
	Payload []byte // the bytes as they were pushed

	// Redelivered counts how often the message was given again without an answer of a handler:
	// after the death of its worker, or by a reload of the timeout list.
	Redelivered int
}

// Outcome says what became of a message when its run ended.
type Outcome int

// The outcomes of ending a run.
const (
	Moved   Outcome = iota + 1 // it stands where it was to go
	WasLate                    // it had passed its handle deadline: it stays in the timeout list
	WasLost                    // the worker did not hold it any more: it had been given back
)

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Moved:
		return "moved"
	case WasLate:
		return "late"
	case WasLost:
		return "lost"
	default:
		return "unknown"
	}
}

func parseRunIDs(texts []string) []RunID {
	if len(texts) == 0 {
		return nil
	}
	ids := make([]RunID, 0, len(texts))
	for _, text := range texts {
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			ids = append(ids, RunID(n))
		}
	}
	return ids
}
