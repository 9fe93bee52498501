package queue

import "fmt"

// State names one of the five lists and sets in which the messages of a channel stand. Its text is
// the last part of the Redis key.
type State string

// The states of a message, in the order in which they are always shown.
const (
	Waiting  State = "waiting"  // to be taken by the next free consumer
	Delayed  State = "delayed"  // due later
	Reserved State = "reserved" // in the hands of a consumer, not past its handle deadline
	Timeout  State = "timeout"  // past its handle deadline, or given up by a dead worker
	Failed   State = "failed"   // no attempts left, or nothing that a consumer can read
)

// States returns all states in their order.
func States() []State {
	return []State{Waiting, Delayed, Reserved, Timeout, Failed}
}

// ParseState returns the state of that name, or an error that lists the names.
func ParseState(name string) (State, error) {
	for _, state := range States() {
		if string(state) == name {
			return state, nil
		}
	}
	return "", fmt.Errorf("parsing state %q: want one of %v", name, States())
}
