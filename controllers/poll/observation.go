package poll

import "time"

// Backlog is the number of messages in each state.
type Backlog struct {
	Waiting, Delayed, Reserved, Timeout, Failed int64
}

// sameZeros reports that the same states are empty in both.
func (b Backlog) sameZeros(o Backlog) bool {
	return (b.Waiting == 0) == (o.Waiting == 0) &&
		(b.Delayed == 0) == (o.Delayed == 0) &&
		(b.Reserved == 0) == (o.Reserved == 0) &&
		(b.Timeout == 0) == (o.Timeout == 0) &&
		(b.Failed == 0) == (o.Failed == 0)
}

// Look is what one successful look at a queue found.
type Look struct {
	Backlog Backlog
	// Due is how many of the delayed messages are due within Target.Ahead.
	Due int64
	// InHand is how many messages workers have in hand, late runs included.
	InHand int64
	// Owners are the UIDs of the AsyncQueues whose workers consume the queue,
	// sorted, each once.
	Owners []string
}

// Observation is what is known about a queue.
type Observation struct {
	Look
	// At is when Look was taken. Zero: the queue was never seen.
	At time.Time
	// Fault is why the queue cannot be seen now; nil while it can.
	Fault *Fault
	// Shown is the backlog for people: it changes at once when a state becomes
	// empty or stops being so, else only now and then.
	Shown Backlog
	// ShownAt is when Shown was taken. Zero: never.
	ShownAt time.Time
}

// Known reports that Look is about now.
func (o Observation) Known() bool { return !o.At.IsZero() && o.Fault == nil }
