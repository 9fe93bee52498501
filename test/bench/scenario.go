package main

import "time"

// scenario is one row of questions, asked of several contenders.
type scenario struct {
	name        string
	concurrency int
	workers     int           // 0 = 1
	handle      time.Duration // how long a handler takes
	roundTrip   time.Duration // put between the contender and Redis
	idle        bool          // one message at a time: how long until its handler runs
	rates       map[string]int
}

// entry is one contender with one kind of message.
type entry struct {
	name      string
	contender string
	kind      kind
}

var entries = []entry{
	{"ours, CloudEvents", "ours", cloudEvents},
	{"ours, Hyperf", "ours", hyperf},
	{"prototype", "prototype", cloudEvents},
	{"asynq", "asynq", cloudEvents},
	{"naive", "naive", hyperf},
}

// The messages per second that a contender is expected to make, which decide how many it gets: a
// guess that is wrong makes a trial longer or shorter, not its result another.
var (
	unhindered = map[string]int{"ours": 150_000, "prototype": 250_000, "asynq": 12_000, "naive": 20_000}
	slowSlots  = map[string]int{"ours": 40_000, "prototype": 40_000, "asynq": 800, "naive": 15_000}
	fewSlots   = map[string]int{"ours": 40_000, "prototype": 60_000, "asynq": 10_000, "naive": 15_000}
	sleeping   = map[string]int{"ours": 8_000, "prototype": 8_000, "asynq": 6_000, "naive": 6_000}
	dawdling   = map[string]int{"ours": 8_000, "prototype": 8_000, "asynq": 800, "naive": 6_000}
)

var scenarios = []scenario{
	{name: "no-op, 10 slots", concurrency: 10, rates: fewSlots},
	{name: "no-op, 100 slots", concurrency: 100, rates: unhindered},
	{name: "no-op, 1000 slots", concurrency: 1000, rates: unhindered},
	{name: "no-op, 100 slots, 1 ms away", concurrency: 100, roundTrip: time.Millisecond, rates: slowSlots},
	{name: "10 ms, 100 slots", concurrency: 100, handle: 10 * time.Millisecond, rates: sleeping},
	{name: "10 ms, 100 slots, 1 ms away", concurrency: 100, handle: 10 * time.Millisecond, roundTrip: time.Millisecond, rates: dawdling},
	{name: "idle, 1 worker", concurrency: 10, workers: 1, idle: true},
	{name: "idle, 50 workers", concurrency: 10, workers: 50, idle: true},
}

// seconds is how long a trial of throughput should take.
const seconds = 2

// messages returns how many messages a contender gets.
func (s scenario) messages(contender string, scale float64) int {
	if s.idle {
		if contender == "asynq" {
			return max(int(24*scale), 2) // it sleeps for a second where there is nothing to do
		}
		return max(int(300*scale), 2)
	}
	return max(int(float64(s.rates[contender]*seconds)*scale), 20)
}
