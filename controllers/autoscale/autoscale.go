// Package autoscale decides how many workers a queue gets. It is a pure
// function of counts, limits, the clock and what it returned the last time.
//
// Demand is waiting + due + in hand: what waits, delayed messages that are due
// or soon will be, and what workers have taken, late runs included, since they
// keep their slot. The recommendation is the greater of two, between Min and Max:
//
//   - by length, where Target is set: ceil(demand / Target);
//   - by waiting time, where Wait is set: as many workers as work off what waits
//     within Wait, and no fewer than keep up with what arrives. How fast a worker
//     is was measured (see Meter); before anything is known of that,
//     ceil(demand / DefaultTarget) stands in.
//
// It is absolute, never a step from the current size, so workers that are still
// starting count as capacity and a second look does not add to the first.
//
// The truth table; the first line that applies decides:
//
//	data     demand  recommendation      replicas
//	-------  ------  ------------------  -----------------------------------------------
//	missing  any     none                current, raised to Min: never in on missing data
//	known    any     >= current          the lowest recommendation of Up.Window, within
//	                                     Up's policies; without rules that is: at once
//	known    any     < current           the highest recommendation of In.Window, within
//	                                     In's policies, and never below
//	                                     ceil(in hand / Concurrency)
//	known    none    Min, if Min > 0     as above
//	known    none    1, while something  as above; never raises 0 to 1
//	                 was there in the
//	                 last Idle
//	known    none    0, after Idle       as above
//
// One message wakes a queue from zero, since demand is rounded up. The idle
// clock starts with the first decision about a queue, so that neither a new
// queue nor a new leader begins by scaling to zero. Time without looks does not
// count: after an outage the idle clock and the windows begin anew.
//
// Windows and policies mean what they mean in a HorizontalPodAutoscaler
// (autoscaling/v2), with one addition: from zero the first worker is always
// allowed, where a percentage of nothing would never be anything.
package autoscale

import (
	"fmt"
	"time"
)

// DefaultTarget is the demand that one worker is meant to carry where nothing
// better is known, in messages.
const DefaultTarget = 10

// Limits is what a queue's owner and the operator's configuration ask for.
type Limits struct {
	// Min and Max bound the answer; 0 <= Min <= Max.
	Min, Max int32
	// Target is the demand, in messages, that one worker is meant to carry. Zero:
	// the length alone does not decide; Wait must then be set.
	Target int64
	// Wait is how long a message may wait. Zero: it does not decide.
	Wait time.Duration
	// Concurrency is the number of messages that one worker has in hand at most.
	// At least 1.
	Concurrency int64
	// Idle is how long there must have been nothing to do before Min = 0 is
	// reached.
	Idle time.Duration
	// Up and In are the rules for more and for fewer workers. The zero Rules let
	// everything happen at once.
	Up, In Rules
}

// Counts is what a queue holds, in messages, and how fast it moves.
type Counts struct {
	// Waiting is ready to be taken.
	Waiting int64
	// Due is delayed, but due now or soon enough to count.
	Due int64
	// InHand is taken by workers and not finished.
	InHand int64
	// Age is how long the next message to be taken has waited already. Zero where
	// that is unknown.
	Age time.Duration
	// Rates is how fast messages come and go.
	Rates Rates
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
	// Now is when Counts were taken: a window has passed when that was seen, not
	// when a clock says so. It never goes back between decisions.
	Now time.Time
	// Since is when the looks that led to Counts began without a gap. Zero: there
	// was never one.
	Since time.Time
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
	// ReasonWaitTime: the size follows from how long messages would wait.
	ReasonWaitTime Reason = "WaitTime"
	// ReasonAtMaximum: demand calls for more workers than Max.
	ReasonAtMaximum Reason = "AtMaximum"
	// ReasonAtMinimum: demand calls for fewer workers than Min.
	ReasonAtMinimum Reason = "AtMinimum"
	// ReasonStabilizing: another size would do, but only since less than the
	// window of its direction.
	ReasonStabilizing Reason = "Stabilizing"
	// ReasonLimited: the policies of the direction allow no further step now.
	ReasonLimited Reason = "Limited"
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
	// State is to be handed to the next decision, once this one was carried out.
	State State
	// Recheck is how long after Input.Now the answer may change by the clock alone.
	// Zero: never.
	Recheck time.Duration
}

// Decide returns the number of workers for in.
func Decide(in Input) Decision {
	if in.Counts == nil {
		return hold(in)
	}
	state := in.State.resumed(in.Since).observe(in.Now, in.Counts.Demand(), in.Current)
	rec := recommend(in, state)
	state = state.recommended(in, rec.called)

	d := Decision{Replicas: rec.replicas, Reason: rec.reason, Message: rec.message, State: state, Recheck: rec.recheck}
	switch {
	case rec.replicas > in.Current:
		d = restrainUp(in, d)
	case rec.replicas < in.Current:
		d = restrainIn(in, d)
	}
	d.State = d.State.moved(in, d.Replicas)
	return d
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

// Signature reduces counts to what a decision depends on: where it stays the
// same, deciding again at the same time would not give another size.
func (l Limits) Signature(c Counts) string {
	most := int64(l.Max) + 1
	up, in := l.need(c, 0), l.need(c, l.Max)
	return fmt.Sprintf("%d/%d/%d", min(up.workers, most), min(in.workers, most), min(ceilDiv(c.InHand, l.Concurrency), most))
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
