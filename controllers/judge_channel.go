package controllers

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
)

// strangerPatience is how long workers of an unknown AsyncQueue must be seen
// before that is told: those of a deleted one may still be draining.
const strangerPatience = 2 * time.Minute

// judgeConflict says who else claims the channel.
func judgeConflict(seen *observed) *verdict {
	v := bad(queuev1alpha1.ReasonSoleOwner, "no other AsyncQueue uses the channel")
	switch {
	case seen.elder != nil:
		v = good(queuev1alpha1.ReasonChannelConflict, conflictMessage(seen))
	case seen.problem != nil:
		return nil
	case seen.stranger != "":
		v = good(queuev1alpha1.ReasonUnknownWorkers, fmt.Sprintf(
			"workers of an AsyncQueue that this operator does not know (UID %s, perhaps of another cluster) consume channel %s: give one of the two another channel, database or Redis",
			seen.stranger, seen.queue.EffectiveChannel()))
	default:
		if said := stillSaid(seen, queuev1alpha1.ConditionChannelConflict); said != nil && said.reason == queuev1alpha1.ReasonUnknownWorkers {
			return said
		}
	}
	return &v
}

// stillSaid is what the status says of a condition, where the queue has not been
// looked at since the operator started and its spec is the same; nil: nothing.
func stillSaid(seen *observed, kind string) *verdict {
	c := meta.FindStatusCondition(seen.queue.Status.Conditions, kind)
	if c == nil || !seen.sight.At.IsZero() || c.ObservedGeneration != seen.queue.Generation {
		return nil
	}
	return &verdict{c.Status, c.Reason, c.Message}
}

// findStranger returns the UID of an AsyncQueue that is not known here and whose
// workers have consumed the queue's messages for a while; empty: there is none.
// Which of the two is older cannot be known, so that nobody yields.
func findStranger(seen *observed) string {
	m := seen.memory
	for _, uid := range seen.sight.Owners {
		if slices.Contains(seen.known, uid) {
			continue
		}
		if m.stranger != uid {
			m.stranger, m.strangerAt = uid, seen.now
			if c := meta.FindStatusCondition(seen.queue.Status.Conditions, queuev1alpha1.ConditionChannelConflict); c != nil && c.Reason == queuev1alpha1.ReasonUnknownWorkers {
				m.strangerAt = time.Time{} // an operator that ran before has waited already
			}
		}
		if seen.now.Sub(m.strangerAt) >= strangerPatience {
			return uid
		}
		return ""
	}
	if seen.sight.Known() {
		m.stranger = ""
	}
	return ""
}

// judgeForeign says whether Hyperf's own consumers are on the channel. It is for
// information only: both understand what the other leaves.
func judgeForeign(seen *observed) *verdict {
	if seen.problem != nil || seen.elder != nil {
		return nil
	}
	v := bad(queuev1alpha1.ReasonNoForeignReservations, "only workers of AsyncQueues take messages of the channel")
	there := seen.sight.Consumers == poll.ForeignersSeen
	if seen.sight.Consumers == poll.ForeignersUnknown { // what was said before the operator started stands until it is known
		there = meta.IsStatusConditionTrue(seen.queue.Status.Conditions, queuev1alpha1.ConditionForeignConsumers)
	}
	if there {
		v = good(queuev1alpha1.ReasonForeignReservations,
			"Hyperf's own consumers take messages of the channel too, within the last 5 minutes; if that is not a migration, stop them, or use another channel")
	}
	return &v
}

// judgeIntake says how the intake gate stands.
func judgeIntake(seen *observed) *verdict {
	wanted := gateOf(seen.queue)
	if wanted.Key == "" {
		return nil
	}
	var v verdict
	switch sight := seen.sight.Gate; {
	case seen.elder != nil:
		v = unknown(queuev1alpha1.ReasonNotObserved, "the gate is not set, since another AsyncQueue owns the channel")
	case seen.problem == nil && sight.Gate == wanted && sight.Fault != nil:
		v = unknown(queuev1alpha1.ReasonGateNotSet, sight.Fault.Message)
	case seen.problem == nil && sight.Gate == wanted:
		v = gateVerdict(wanted)
	default:
		if said := stillSaid(seen, queuev1alpha1.ConditionIntakeClosed); said != nil {
			return said
		}
		v = unknown(queuev1alpha1.ReasonNotObserved, "the gate has not been set yet")
	}
	return &v
}

func gateVerdict(g poll.Gate) verdict {
	if g.Closed {
		return good(queuev1alpha1.ReasonIntakeClosed, "producers that look at the gate "+g.Key+" refuse to push")
	}
	return bad(queuev1alpha1.ReasonIntakeOpen, "producers may push: the gate "+g.Key+" is open")
}

// gateOf is the gate that a queue's spec asks to set.
func gateOf(q *queuev1alpha1.AsyncQueue) poll.Gate {
	if q.Spec.Intake == nil {
		return poll.Gate{}
	}
	return poll.Gate{Key: q.EffectiveIntakeKey(), Closed: q.Spec.Intake.State == queuev1alpha1.IntakeClosed}
}
