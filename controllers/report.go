package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/controllers/poll"
)

const (
	// takenAgain is how soon to look whether a child's name is free again.
	takenAgain = 5 * time.Second
	// lookAgain is how soon to see whether the poller has looked again.
	lookAgain = 250 * time.Millisecond
	// soonest keeps a time that has passed from waking the queue over and over.
	soonest = time.Second
	// refusedAgain is how soon to try what the API server refused: a policy may
	// have changed.
	refusedAgain = time.Minute
	// answersWithin is how long the first status of a new queue waits for what it
	// is to tell of.
	answersWithin = 500 * time.Millisecond
)

// report writes the status where it changed, in one patch, and records events
// for what happened. A lost event is not tried again.
func (r *Reconciler) report(ctx context.Context, seen *observed, p plan, o outcome) error {
	if awaitsAnswers(seen, p, o) {
		return nil
	}
	after := seen.queue.DeepCopy()
	after.Status = statusOf(seen, p, o)
	if onlyBacklog(&seen.queue.Status, &after.Status) && !r.pacer.mayShow(seen.now, seen.memory) {
		after.Status.Backlog = seen.queue.Status.Backlog
	} else {
		seen.memory.showAt = time.Time{}
	}
	if !equality.Semantic.DeepEqual(seen.queue.Status, after.Status) {
		if err := r.Client.Status().Patch(ctx, after, client.MergeFrom(seen.queue), client.FieldOwner(FieldManager)); err != nil {
			if apierrors.IsNotFound(err) {
				return nil // the queue went meanwhile
			}
			return fmt.Errorf("writing the status: %w", err)
		}
		r.remember(ctx, after)
	}
	r.metrics.observe(after)
	before := seen.queue.Status
	before.DesiredReplicas = sizeBefore(seen.queue, p)
	for _, e := range eventsOf(&before, &after.Status, p) {
		r.Events.Eventf(after, nil, e.kind, e.reason, e.action, "%s", shorten(e.note, longestNote))
	}
	return nil
}

// awaitsAnswers says that a new queue's status would be written twice within
// moments: Redis was not looked at yet, or the Deployment was made just now and its
// controller has not answered. Nothing that a person has to know waits.
func awaitsAnswers(seen *observed, p plan, o outcome) bool {
	isNew := seen.queue.Status.ObservedGeneration == 0 && seen.now.Sub(seen.memory.since) < answersWithin
	if _, _, blocked := isBlocked(seen, p); !isNew || blocked || o.deployment != nil || o.cronJob != nil {
		return false
	}
	d := seen.deployment
	isLookedAt := !seen.hasRedis() || seen.sight.Fault != nil || !seen.sight.At.IsZero()
	return !isLookedAt || d != nil && d.Status.ObservedGeneration < d.Generation
}

// sizeBefore is how many workers were asked for before the plan.
func sizeBefore(q *queuev1alpha1.AsyncQueue, p plan) int32 {
	switch {
	case q.Status.ObservedGeneration > 0:
		return q.Status.DesiredReplicas
	case p.scaling != nil:
		return startSize(q)
	}
	return p.replicas
}

// statusOf is pure: the status that the queue should have.
func statusOf(seen *observed, p plan, o outcome) queuev1alpha1.AsyncQueueStatus {
	q := seen.queue
	s := *q.Status.DeepCopy()
	s.Channel = q.EffectiveChannel()
	s.Selector = desired.SelectorText(q.Name)
	s.Replicas, s.ReadyReplicas = 0, 0
	if d := seen.deployment; d != nil && p.deploymentStep != remove {
		s.Replicas, s.ReadyReplicas = d.Status.Replicas, d.Status.ReadyReplicas
	}
	if p.replicas != sizeBefore(q, p) {
		now := metav1.NewTime(seen.now.Truncate(time.Second))
		s.LastScaleTime, s.LastScaleReason = &now, p.reason+": "+p.message
	}
	s.DesiredReplicas = p.replicas
	s.LastScaleReason = shorten(s.LastScaleReason, longestReason)
	s.Backlog = backlogOf(s.Backlog, seen.sight)
	setConditions(&s.Conditions, judge(seen, p, o), q.Generation)
	s.ObservedGeneration = q.Generation
	return s
}

// backlogOf keeps the last known backlog where there is none to show.
func backlogOf(last *queuev1alpha1.Backlog, sight poll.Observation) *queuev1alpha1.Backlog {
	if sight.ShownAt.IsZero() {
		return last
	}
	b := &queuev1alpha1.Backlog{
		Waiting: sight.Shown.Waiting, Delayed: sight.Shown.Delayed, Reserved: sight.Shown.Reserved,
		Timeout: sight.Shown.Timeout, Failed: sight.Shown.Failed,
	}
	// The time alone is no news.
	if last != nil {
		b.ObservedAt = last.ObservedAt
		if *last == *b {
			return last
		}
	}
	b.ObservedAt = metav1.NewTime(sight.ShownAt.Truncate(time.Second))
	return b
}

// again is when to reconcile even if nothing happens; zero: never.
func again(seen *observed, p plan, o outcome) time.Duration {
	next := time.Duration(0)
	in := func(d time.Duration) {
		if d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	at := func(t time.Time) {
		if !t.IsZero() {
			in(max(t.Sub(seen.now), soonest))
		}
	}
	if p.scaling != nil && p.scaling.Recheck > 0 {
		// The answer may change with the first look after that time.
		in(max(seen.sight.At.Add(p.scaling.Recheck).Sub(seen.now), lookAgain))
	}
	if p.waits {
		in(rankSettles)
	}
	if awaitsAnswers(seen, p, o) {
		in(answersWithin)
	}
	at(seen.memory.showAt)
	at(seen.connection.Until)
	if f := seen.sight.Fault; f != nil && !seen.connection.Until.IsZero() && isSecretTrouble(f.Reason) && secretAge(seen.queue) == connect.Calm {
		in(connect.Troubled) // from then on Until tells
	}
	if seen.problem != nil {
		at(seen.problem.Until)
	}
	if seen.deploymentTaken || seen.cronJobTaken {
		in(takenAgain)
	}
	if seen.elder != nil {
		in(rivalPatience)
	}
	if m := seen.memory; m.stranger != "" && seen.stranger == "" {
		at(m.strangerAt.Add(strangerPatience))
	}
	if o.deployment != nil || o.cronJob != nil {
		in(refusedAgain)
	}
	if c := seen.cronJob; c != nil {
		at(seen.memory.nextEviction("CronJob", c))
	}
	if d := seen.deployment; d != nil {
		at(seen.memory.nextEviction("Deployment", d))
	}
	if d := seen.deployment; d != nil && (d.Status.ReadyReplicas < p.replicas || isRollingOut(d)) {
		at(nextPodLook(seen))
	}
	return next
}
