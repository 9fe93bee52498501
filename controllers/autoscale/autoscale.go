// Package autoscale decides how many workers a queue gets. It is a pure
// function of counts, limits, the clock and what it returned the last time.
//
// Demand is waiting + due + in hand: what waits, delayed messages that are due
// or soon will be, and what workers have taken, late runs included, since they
// keep their slot. The recommendation is ceil(demand / target), between Min and
// Max. It is absolute, never a step from the current size, so workers that are
// still starting count as capacity and a second look does not add to the first.
//
// The truth table; the first line that applies decides:
//
//	data     demand  recommendation      replicas
//	-------  ------  ------------------  -----------------------------------------------
//	missing  any     none                current, raised to Min: never in on missing data
//	known    any     >= current          recommendation, at once
//	known    any     < current           the highest recommendation of the last Window,
//	                                     but at least ceil(in hand / Concurrency)
//	known    none    Min, if Min > 0     as above
//	known    none    1, while something  as above; never raises 0 to 1
//	                 was there in the
//	                 last Idle
//	known    none    0, after Idle       as above
//
// One message wakes a queue from zero, since demand is rounded up. The idle
// clock starts with the first decision about a queue, so that neither a new
// queue nor a new leader begins by scaling to zero.
package autoscale

import (
	"fmt"
	"time"
)

// Limits is what a queue's owner and the operator's configuration ask for.
type Limits struct {
	// Min and Max bound the answer; 0 <= Min <= Max.
	Min, Max int32
	// Target is the demand, in messages, that one worker is meant to carry. At
	// least 1.
	Target int64
	// Concurrency is the number of messages that one worker has in hand at most.
	// At least 1.
	Concurrency int64
	// Idle is how long there must have been nothing to do before Min = 0 is
	// reached.
	Idle time.Duration
	// Window is how long a lower recommendation must stand before it is followed.
	Window time.Duration
}

// Counts is what a queue holds, in messages.
type Counts struct {
	// Waiting is ready to be taken.
	Waiting int64
	// Due is delayed, but due now or soon enough to count.
	Due int64
	// InHand is taken by workers and not finished.
	InHand int64
}

// Demand is the work that calls for workers.
func (c Counts) Demand() int64 { return c.Waiting + c.Due + c.InHand }

// Input is all that a decision depends on.
type Input struct {
	Limits
	// Counts is nil where the queue could not be looked at.
	Counts *Counts
	// Current is the number of workers asked for so far, ready or not.
	Current int32
	// Now is the time of the decision; it never goes back between decisions.
	Now time.Time
	// State is what the last decision returned; the zero State before the first.
	State State
}

// Reason says in one word why a decision came out as it did.
type Reason string

// The reasons.
const (
	// ReasonNoData: the counts are unknown, the size is held.
	ReasonNoData Reason = "NoData"
	// ReasonBacklog: the size follows from demand.
	ReasonBacklog Reason = "Backlog"
	// ReasonAtMaximum: demand calls for more workers than Max.
	ReasonAtMaximum Reason = "AtMaximum"
	// ReasonAtMinimum: demand calls for fewer workers than Min.
	ReasonAtMinimum Reason = "AtMinimum"
	// ReasonStabilizing: fewer would do, but only since less than Window.
	ReasonStabilizing Reason = "Stabilizing"
	// ReasonInHand: fewer would do, but workers have messages in hand.
	ReasonInHand Reason = "InHand"
	// ReasonIdling: there is nothing to do, but not yet for Idle.
	ReasonIdling Reason = "Idling"
	// ReasonIdle: there is nothing to do.
	ReasonIdle Reason = "Idle"
)

// Decision is the answer, with its grounds.
type Decision struct {
	Replicas int32
	Reason   Reason
	// Message explains the number to a person. It carries counts, and so belongs
	// in events and logs rather than in conditions.
	Message string
	// State is to be handed to the next decision.
	State State
	// Recheck is how long from now the answer may change by the clock alone. Zero:
	// never.
	Recheck time.Duration
}

// Decide returns the number of workers for in.
func Decide(in Input) Decision {
	if in.Counts == nil {
		return hold(in)
	}
	state := in.State.observe(in.Now, in.Counts.Demand(), in.Current)
	rec := recommend(in, state)
	state = state.recommended(in.Now, in.Window, rec.called)

	d := Decision{Replicas: rec.replicas, Reason: rec.reason, Message: rec.message, State: state, Recheck: rec.recheck}
	if rec.replicas >= in.Current {
		return d
	}
	return restrain(in, d)
}

// hold answers without counts: nothing is known that would justify fewer.
func hold(in Input) Decision {
	return Decision{
		Replicas: max(in.Current, in.Min),
		Reason:   ReasonNoData,
		Message:  fmt.Sprintf("the counts are unknown; holding %d", max(in.Current, in.Min)),
		State:    in.State,
	}
}

// recommendation is what the counts alone call for.
type recommendation struct {
	replicas int32
	// called is replicas without the one that idles: the window is about demand,
	// the idle clock has its own time.
	called  int32
	reason  Reason
	message string
	recheck time.Duration
}

func recommend(in Input, s State) recommendation {
	c := in.Counts
	if c.Demand() == 0 {
		return recommendIdle(in, s)
	}
	want := ceilDiv(c.Demand(), in.Target)
	sum := fmt.Sprintf("%d waiting + %d due + %d in hand / %d per replica = %d", c.Waiting, c.Due, c.InHand, in.Target, want)
	switch {
	case want > int64(in.Max):
		return recommendation{replicas: in.Max, called: in.Max, reason: ReasonAtMaximum, message: fmt.Sprintf("%s, at most %d", sum, in.Max)}
	case want < int64(in.Min):
		return recommendation{replicas: in.Min, called: in.Min, reason: ReasonAtMinimum, message: fmt.Sprintf("%s, at least %d", sum, in.Min)}
	default:
		n := int32(want) //nolint:gosec // want is between Min and Max here
		return recommendation{replicas: n, called: n, reason: ReasonBacklog, message: sum}
	}
}

func recommendIdle(in Input, s State) recommendation {
	if in.Min > 0 {
		return recommendation{replicas: in.Min, called: in.Min, reason: ReasonAtMinimum, message: fmt.Sprintf("nothing to do, at least %d", in.Min)}
	}
	left := in.Idle - in.Now.Sub(s.LastActive)
	if left <= 0 || in.Current == 0 {
		return recommendation{reason: ReasonIdle, message: fmt.Sprintf("nothing to do for %s", in.Idle)}
	}
	return recommendation{
		replicas: min(1, in.Max), reason: ReasonIdling,
		message: fmt.Sprintf("nothing to do, but not yet for %s", in.Idle),
		recheck: left,
	}
}

// restrain slows d, which asks for fewer workers than there are: the window
// first, then what workers have in hand. Max is above both.
func restrain(in Input, d Decision) Decision {
	peak, left := d.State.peak(in.Now, in.Window)
	floor := ceilDiv(in.Counts.InHand, in.Concurrency)
	held := min(int64(in.Current), int64(in.Max), max(int64(peak), floor))
	if held <= int64(d.Replicas) {
		return d
	}
	d.Replicas = int32(held) //nolint:gosec // held is at most Current here
	if floor >= int64(peak) {
		d.Reason = ReasonInHand
		d.Message = fmt.Sprintf("%s; %d in hand / %d per worker need %d", d.Message, in.Counts.InHand, in.Concurrency, floor)
	} else {
		d.Reason = ReasonStabilizing
		d.Message = fmt.Sprintf("%s; %d within the last %s", d.Message, peak, in.Window)
	}
	d.Recheck = soonest(d.Recheck, left)
	return d
}

// soonest returns the shorter of two durations of which zero means never.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

func ceilDiv(a, b int64) int64 {
	if b <= 0 {
		b = 1
	}
	if a <= 0 {
		return 0
	}
	return (a-1)/b + 1
}

// Signature reduces counts to what a decision depends on: where it stays the
// same, deciding again at the same time would not give another size.
func (l Limits) Signature(c Counts) string {
	most := int64(l.Max) + 1
	return fmt.Sprintf("%d/%d", min(ceilDiv(c.Demand(), l.Target), most), min(ceilDiv(c.InHand, l.Concurrency), most))
}
