package controllers

import (
	"fmt"
	"time"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/autoscale"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/poll"
)

// targetOf is what the poller is to do for a queue.
func targetOf(q *queuev1alpha1.AsyncQueue, c connect.Connection) poll.Target {
	t := poll.Target{
		Redis: &c.Poll, Channel: q.EffectiveChannel(), Ahead: aheadOf(q), Age: measuresWait(q), Digest: digestOf(q),
		Gate: gateOf(q),
	}
	if reload := q.Spec.TimeoutReload; reload != nil {
		t.Redeliver, t.MaxReloads = reload.OnWorkerLoss != queuev1alpha1.OnWorkerLossOnSchedule, int(reload.MaxReloads)
	}
	return t
}

// digestOf reduces an observation to what a reconcile of the queue would act on.
// The function lives as long as the queue is watched, so it does not hold on to q.
func digestOf(q *queuev1alpha1.AsyncQueue) func(poll.Observation) string {
	uid := string(q.UID)
	scales := q.Spec.Autoscaling != nil && !q.Spec.Suspend
	var limits autoscale.Limits
	if scales {
		limits = limitsOf(q, 0)
	}
	return func(o poll.Observation) string {
		switch {
		case o.Fault != nil:
			return "fault " + o.Fault.Reason + " " + o.Fault.Message
		case !o.Known():
			return "unknown"
		case scales:
			return "known " + limits.Signature(countsOf(o)) + surroundings(uid, o)
		default:
			return "known" + surroundings(uid, o)
		}
	}
}

// surroundings are what else a queue's conditions tell of.
func surroundings(self string, o poll.Observation) string {
	text := strangers(self, o)
	if o.Consumers == poll.ForeignersSeen {
		text += " foreign"
	}
	if g := o.Gate; g.Key != "" {
		text += fmt.Sprintf(" gate %s %t", g.Key, g.Closed)
		if g.Fault != nil {
			text += " " + g.Fault.Message
		}
	}
	return text
}

// strangers are the other queues whose workers consume this one's messages.
func strangers(self string, o poll.Observation) string {
	text := ""
	for _, uid := range o.Owners {
		if uid != self {
			text += " " + uid
		}
	}
	return text
}

func countsOf(o poll.Observation) autoscale.Counts {
	return autoscale.Counts{Waiting: o.Backlog.Waiting, Due: o.Due, InHand: o.InHand, Age: o.Age, Rates: o.Rates}
}

// measuresWait says that the age of messages matters to a queue.
func measuresWait(q *queuev1alpha1.AsyncQueue) bool {
	return q.Spec.Autoscaling != nil && q.Spec.Autoscaling.WaitTime != nil
}

// Stand-ins for the schema's defaults.
const (
	defaultIdle  = time.Minute
	defaultAhead = 10 * time.Second
)

// aheadOf is how soon a delayed message must be due to count as due.
func aheadOf(q *queuev1alpha1.AsyncQueue) time.Duration {
	if a := q.Spec.Autoscaling; a != nil {
		return secondsOr(a.ScheduleAheadSeconds, defaultAhead)
	}
	return defaultAhead
}

// limitsOf reads the limits of a queue that scales. The window is the operator's,
// for a scale-in of which the queue says nothing.
func limitsOf(q *queuev1alpha1.AsyncQueue, window time.Duration) autoscale.Limits {
	a := q.Spec.Autoscaling
	l := autoscale.Limits{
		Min: a.MinReplicas, Max: a.MaxReplicas,
		Concurrency: int64(q.Spec.Concurrency),
		Idle:        secondsOr(a.IdleSeconds, defaultIdle),
		In:          autoscale.Rules{Window: window},
	}
	if a.WaitTime != nil {
		l.Wait = time.Duration(a.WaitTime.TargetSeconds) * time.Second
	}
	switch {
	case a.QueueLength != nil:
		l.Target = int64(a.QueueLength.Target)
	case a.WaitTime == nil:
		l.Target = autoscale.DefaultTarget
	}
	if b := a.Behavior; b != nil {
		l.Up, l.In = rulesOf(b.ScaleUp, l.Up.Window), rulesOf(b.ScaleDown, l.In.Window)
	}
	return l
}

func rulesOf(r *queuev1alpha1.ScalingRules, window time.Duration) autoscale.Rules {
	if r == nil {
		return autoscale.Rules{Window: window}
	}
	rules := autoscale.Rules{Window: secondsOr(r.StabilizationWindowSeconds, window), Select: autoscale.Select(r.SelectPolicy)}
	for _, p := range r.Policies {
		rules.Policies = append(rules.Policies, autoscale.Policy{
			Kind: autoscale.PolicyKind(p.Type), Value: p.Value, Period: time.Duration(p.PeriodSeconds) * time.Second,
		})
	}
	return rules
}

func secondsOr(seconds *int32, absent time.Duration) time.Duration {
	if seconds == nil {
		return absent
	}
	return time.Duration(*seconds) * time.Second
}
