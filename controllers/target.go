package controllers

import (
	"time"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/autoscale"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/poll"
)

// scheduleAhead is how soon a delayed message must be due to count as due: about
// the time that a worker takes to start.
const scheduleAhead = 10 * time.Second

// targetOf is what the poller is to do for a queue.
func targetOf(q *queuev1alpha1.AsyncQueue, c connect.Connection) poll.Target {
	t := poll.Target{
		Redis: c.Poll, Channel: q.EffectiveChannel(), Ahead: scheduleAhead, Digest: digestOf(q),
	}
	if reload := q.Spec.TimeoutReload; reload != nil {
		t.Redeliver, t.MaxReloads = true, int(reload.MaxReloads)
	}
	return t
}

// digestOf reduces an observation to what a reconcile of the queue would act on.
func digestOf(q *queuev1alpha1.AsyncQueue) func(poll.Observation) string {
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
			return "known " + limits.Signature(countsOf(o)) + strangers(q, o)
		default:
			return "known" + strangers(q, o)
		}
	}
}

// strangers are the other queues whose workers consume this one's messages.
func strangers(q *queuev1alpha1.AsyncQueue, o poll.Observation) string {
	text := ""
	for _, uid := range o.Owners {
		if uid != string(q.UID) {
			text += " " + uid
		}
	}
	return text
}

func countsOf(o poll.Observation) autoscale.Counts {
	return autoscale.Counts{Waiting: o.Backlog.Waiting, Due: o.Due, InHand: o.InHand}
}

// limitsOf reads the limits of a queue that scales.
func limitsOf(q *queuev1alpha1.AsyncQueue, window time.Duration) autoscale.Limits {
	a := q.Spec.Autoscaling
	idle := defaultIdle
	if a.IdleSeconds != nil {
		idle = time.Duration(*a.IdleSeconds) * time.Second
	}
	return autoscale.Limits{
		Min: a.MinReplicas, Max: a.MaxReplicas,
		Target: int64(a.QueueLength.Target), Concurrency: int64(q.Spec.Concurrency),
		Idle: idle, Window: window,
	}
}

// defaultIdle stands in for the schema's default.
const defaultIdle = time.Minute
