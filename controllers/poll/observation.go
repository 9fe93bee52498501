package poll

import (
	"time"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

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
	// Foreign is how many messages Hyperf's own consumers have in hand.
	Foreign int64
	// Gate is what became of the intake gate.
	Gate GateSight
	// Owners are the UIDs of the AsyncQueues whose workers consume the queue,
	// sorted, each once.
	Owners []string
	// Workers are those that consume the queue, as they told last.
	Workers []Worker
	// Age is how long the message that is taken next has waited, where it carries
	// its time. Zero: unknown. Only where Target.Age asks for it.
	Age time.Duration
	// DueIn is how soon the next delayed message is due. Zero: none is delayed.
	DueIn time.Duration
	// Tenders is how many workers move what is due now. Two are enough; else the
	// poller does it too.
	Tenders int
}

// Worker is one process that consumes a queue.
type Worker struct {
	// ID is its name in Redis; a process that starts anew has another one.
	ID string
	// Pod is the name of its pod. Empty outside of Kubernetes.
	Pod string
	// Running is how many messages it has in hand, Done how many runs ended in it.
	Running int
	Done    uint64
}

// foreignFor is how long Hyperf's consumers count as being there after the last
// sight of a message in their hands: what is done quickly is rarely seen.
const foreignFor = 5 * time.Minute

// Foreigners says whether Hyperf's own consumers were seen of late.
type Foreigners int

const (
	// ForeignersUnknown means not yet, but the queue has not been looked at for
	// long enough to tell.
	ForeignersUnknown Foreigners = iota
	// ForeignersSeen means that they were.
	ForeignersSeen
	// ForeignersGone means that they were not.
	ForeignersGone
)

// Observation is what is known about a queue.
type Observation struct {
	Look
	// At is when Look was taken. Zero: the queue was never seen.
	At time.Time
	// Since is when the looks began that have succeeded since then without an
	// outage. Zero: the queue was never seen.
	Since time.Time
	// Consumers is whether Hyperf's own consumers were seen within foreignFor.
	Consumers Foreigners
	// Rates is how fast messages come and go.
	Rates autoscale.Rates
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
