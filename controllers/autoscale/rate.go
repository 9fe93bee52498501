package autoscale

import (
	"math"
	"time"
)

const (
	// arrivalMemory and serviceMemory are after what time a sample counts a third
	// (1/e) in the rates: arrivals change by the minute, a handler's speed by the
	// release.
	arrivalMemory = 20 * time.Second
	serviceMemory = 2 * time.Minute
	// warmUp is how long must have been observed before a rate of arrival says
	// something: workers tell every 2 s what they have done.
	warmUp = 10 * time.Second
	// gap is the longest time between two looks that belong together.
	gap = 10 * time.Second
	// fastest bounds the rate of one slot, whose time in hand is too short to be
	// seen: in runs per second.
	fastest = 1000
)

// Rates is how fast messages come and go, averaged.
type Rates struct {
	// Arrival is how many runs per second are asked for: pushes, and delayed or
	// retried messages that become due. Zero while it is unknown.
	Arrival float64
	// PerSlot is how many runs per second end in one slot that has a message in
	// hand, the inverse of a run's mean time. Zero while it is unknown.
	PerSlot float64
}

// Sample is what a look says about the flow of a queue.
type Sample struct {
	// At is the time of the look.
	At time.Time
	// Waiting and InHand are as in Counts.
	Waiting, InHand int64
	// Done is how many runs have ended since the last sample.
	Done int64
}

// Meter turns samples into rates. The zero Meter knows nothing. It is a value of
// fixed size, whatever the number of samples.
type Meter struct {
	last Sample
	// arrived messages in observed seconds, and done runs in slot seconds, both
	// fading.
	arrived, observed, done, slots float64
	// seen is the unfaded time of the looks without a gap.
	seen time.Duration
}

// Add takes one look into account. A look long after the last one begins the
// arrivals anew; what is known about the speed of a slot stays.
func (m Meter) Add(s Sample) Meter {
	last, elapsed := m.last, s.At.Sub(m.last.At)
	m.last = s
	if last.At.IsZero() || elapsed <= 0 {
		return m
	}
	if elapsed > gap {
		m.arrived, m.observed, m.seen = 0, 0, 0
		return m
	}
	m.seen += elapsed
	fade := math.Exp(-elapsed.Seconds() / arrivalMemory.Seconds())
	m.arrived = m.arrived*fade + float64(s.Waiting+s.InHand+s.Done-last.Waiting-last.InHand)
	m.observed = m.observed*fade + elapsed.Seconds()

	busy := float64(s.InHand+last.InHand) / 2 * elapsed.Seconds()
	if s.Done > 0 || busy > 0 { // what is known does not fade while there is nothing to do
		fade = math.Exp(-elapsed.Seconds() / serviceMemory.Seconds())
		m.done = m.done*fade + float64(s.Done)
		m.slots = m.slots*fade + busy
	}
	return m
}

// Rates returns what is known.
func (m Meter) Rates() Rates {
	var r Rates
	if m.seen >= warmUp && m.arrived > 0 {
		r.Arrival = m.arrived / m.observed
	}
	if m.done > 0 {
		r.PerSlot = min(m.done/max(m.slots, m.done/fastest), fastest)
	}
	return r
}
