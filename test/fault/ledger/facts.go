package ledger

import "time"

// Span is a stretch of time.
type Span struct{ From, To time.Time }

// Facts is all that is known about one play, once it is over and its workers are gone.
type Facts struct {
	Pushed   map[string]Pushed // by id
	Entries  []Entry           // of all workers, in the order of writing
	Standing map[string]int    // copies in waiting, delayed, reserved, timeout and failed, by id
	Killed   map[int]time.Time // processes that were killed, and when
	CutOff   map[int]bool      // processes that were frozen or cut off, so that others may have taken them for dead

	// LastSeen is when workers were last seen in Redis, by their names there: a dead one is known until
	// what it held has been given back. May be nil.
	LastSeen map[string]time.Time

	// Undone are the times whose moves a fail-over may have undone: acknowledgements in them may be
	// repeated, and hands may hold again what had left them.
	Undone []Span
	// Reloaded says that somebody reloaded timeout, which runs late messages again.
	Reloaded bool
}

// Verdict is what Check found.
type Verdict struct {
	Messages   int           // confirmed pushes
	Unknown    int           // pushes without an answer
	Acked      int           // acknowledgements that Redis confirmed
	Standing   int           // messages in the keys
	Doubtful   int           // runs that ended well in a worker that was killed before Redis confirmed it
	Lost       int           // messages that are in neither of these
	Doubled    int           // messages that are in more than one of these, without excuse
	Twice      int           // runs beyond the one that each copy of a message needs for each attempt
	Unexcused  int           // ... whose worker was neither killed nor cut off
	Evicted    int           // workers that were taken for dead while they lived
	Redelivery time.Duration // the longest from a worker's death until what it held was given back; 0: not watched

	// Broken has a sentence for each promise that was broken, at most a few of each kind.
	Broken []string
}
