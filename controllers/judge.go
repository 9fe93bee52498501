package controllers

import (
	"errors"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/desired"
)

// verdict is one judgement, to be put into a condition.
type verdict struct {
	status          metav1.ConditionStatus
	reason, message string
}

func good(reason, message string) verdict { return verdict{metav1.ConditionTrue, reason, message} }
func bad(reason, message string) verdict  { return verdict{metav1.ConditionFalse, reason, message} }
func unknown(reason, message string) verdict {
	return verdict{metav1.ConditionUnknown, reason, message}
}

// judge is pure: it returns every condition that the queue should have, absent
// ones as nil.
func judge(seen *observed, p plan, o outcome) map[string]*verdict {
	reachable := judgeReachable(seen)
	workers := judgeWorkers(seen, p)
	intake := judgeIntake(seen)
	ready, stalled := judgeReady(seen, p, o, reachable, workers, intake)
	conditions := map[string]*verdict{
		queuev1alpha1.ConditionReady:                  &ready,
		queuev1alpha1.ConditionReconciling:            nil,
		queuev1alpha1.ConditionStalled:                nil,
		queuev1alpha1.ConditionWorkersAvailable:       &workers,
		queuev1alpha1.ConditionQueueReachable:         &reachable,
		queuev1alpha1.ConditionScalingActive:          judgeScaling(seen, p, reachable),
		queuev1alpha1.ConditionTimeoutReloadScheduled: judgeReload(seen, o),
		queuev1alpha1.ConditionSuspended:              judgeSuspended(seen),
		queuev1alpha1.ConditionChannelConflict:        judgeConflict(seen),
		queuev1alpha1.ConditionForeignConsumers:       judgeForeign(seen),
		queuev1alpha1.ConditionIntakeClosed:           intake,
		queuev1alpha1.ConditionMemoryLimited:          judgeMemory(seen.queue),
	}
	switch {
	case stalled:
		v := good(ready.reason, ready.message)
		conditions[queuev1alpha1.ConditionStalled] = &v
	case ready.status != metav1.ConditionTrue:
		v := good(ready.reason, ready.message)
		conditions[queuev1alpha1.ConditionReconciling] = &v
	}
	return conditions
}

func judgeReachable(seen *observed) verdict {
	switch {
	case seen.problem != nil:
		return bad(seen.problem.Reason, seen.problem.Message)
	case seen.elder != nil:
		return unknown(queuev1alpha1.ReasonNotObserved, "the queue is not looked at, since another AsyncQueue owns the channel")
	case seen.sight.Fault != nil:
		return bad(seen.sight.Fault.Reason, seen.sight.Fault.Message)
	case !seen.sight.Known():
		if said := saidBefore(seen.queue); said != nil {
			return *said
		}
		return unknown(queuev1alpha1.ReasonNotObserved, "the queue has not been looked at yet")
	}
	return good(queuev1alpha1.ReasonReachable, "the operator sees the queue in Redis")
}

// saidBefore is what was last seen of the queue's Redis; nil: nothing since its
// spec changed. A new leader, or a new password, is no news about the queue before
// the first look.
func saidBefore(q *queuev1alpha1.AsyncQueue) *verdict {
	c := meta.FindStatusCondition(q.Status.Conditions, queuev1alpha1.ConditionQueueReachable)
	if c == nil || c.ObservedGeneration != q.Generation {
		return nil
	}
	switch c.Reason {
	case queuev1alpha1.ReasonReachable, queuev1alpha1.ReasonRedisUnreachable, queuev1alpha1.ReasonRedisNotWritable,
		queuev1alpha1.ReasonRedisAuthenticationFailed, queuev1alpha1.ReasonRedisPermissionDenied,
		queuev1alpha1.ReasonRedisTLSFailed, queuev1alpha1.ReasonRedisWrongType, queuev1alpha1.ReasonRedisMasterUnknown:
		return &verdict{c.Status, c.Reason, c.Message}
	}
	return nil
}

// judgeWorkers compares the pods that are ready with those that are wanted.
func judgeWorkers(seen *observed, p plan) verdict {
	d := seen.deployment
	switch {
	case seen.elder != nil:
		return bad(queuev1alpha1.ReasonChannelConflict, "no workers run, since another AsyncQueue owns the channel")
	case p.replicas == 0 && pods(d) > 0:
		return bad(queuev1alpha1.ReasonDraining, "workers finish what they have in hand, then go")
	case seen.queue.Spec.Suspend:
		return good(queuev1alpha1.ReasonSuspended, "no worker is wanted while the queue is suspended")
	case p.replicas == 0:
		return good(queuev1alpha1.ReasonScaledToZero, "no worker is wanted now")
	case seen.podTrouble != "":
		return bad(queuev1alpha1.ReasonWorkersFailing, seen.podTrouble)
	case d == nil:
		return bad(queuev1alpha1.ReasonWorkersStarting, "there are no workers")
	case isStuck(d):
		return bad(queuev1alpha1.ReasonWorkersFailing, "workers do not become ready: the events of Deployment "+d.Name+" and the logs of its pods say why")
	case isRollingOut(d):
		return bad(queuev1alpha1.ReasonWorkersStarting, "workers are being replaced by new ones")
	case d.Status.ReadyReplicas < p.replicas:
		return bad(queuev1alpha1.ReasonWorkersStarting, "some of the wanted workers are not ready yet")
	}
	return good(queuev1alpha1.ReasonConsuming, "all wanted workers are ready")
}

// pods counts a Deployment's pods, those that are going included.
func pods(d *appsv1.Deployment) int32 {
	if d == nil {
		return 0
	}
	return d.Status.Replicas + ptr.Deref(d.Status.TerminatingReplicas, 0)
}

// judgeReady takes the first thing that keeps the queue from being ready, those
// that a person must cure first. stalled marks these.
func judgeReady(seen *observed, p plan, o outcome, reachable, workers verdict, intake *verdict) (ready verdict, stalled bool) {
	if reason, message, blocked := isBlocked(seen, p); blocked {
		return bad(reason, message), true
	}
	if seen.leaving {
		return bad(queuev1alpha1.ReasonProgressing, leavingMessage), false
	}
	if v, refused := judgeRefusal(o); refused {
		return v, true
	}
	if err := o.transient(); err != nil {
		return bad(queuev1alpha1.ReasonApplyFailed, "the API server does not take a child now: "+apiMessage(err)), false
	}
	switch {
	case reachable.status == metav1.ConditionUnknown:
		return bad(queuev1alpha1.ReasonProgressing, reachable.message), false
	case reachable.status == metav1.ConditionFalse:
		return reachable, false
	case intake != nil && intake.reason == queuev1alpha1.ReasonGateNotSet:
		return bad(intake.reason, intake.message), false
	case workers.reason == queuev1alpha1.ReasonWorkersStarting && isEnough(seen, p):
		return good(queuev1alpha1.ReasonConsuming, "workers consume the queue"), false
	case workers.status != metav1.ConditionTrue:
		return workers, false
	case isUnobserved(seen):
		return bad(queuev1alpha1.ReasonProgressing, "the workers' Deployment is being brought up to date"), false
	case workers.reason == queuev1alpha1.ReasonConsuming:
		return good(queuev1alpha1.ReasonConsuming, "workers consume the queue"), false
	}
	return workers, false
}

const leavingMessage = "what a deleted AsyncQueue of the same name left behind is going"

// judgeRefusal explains a child that the API server will not take.
func judgeRefusal(o outcome) (verdict, bool) {
	switch {
	case o.deployment != nil && isRefused(o.deployment):
		return bad(queuev1alpha1.ReasonInvalidPodTemplate, apiMessage(o.deployment)+": change spec.template"), true
	case o.cronJob != nil && isRefused(o.cronJob):
		return bad(queuev1alpha1.ReasonInvalidSchedule, apiMessage(o.cronJob)+": change spec.timeoutReload"), true
	}
	return verdict{}, false
}

// isEnough says that a queue that scales does its work while more workers start:
// the number follows the backlog all the time, and that alone is no news.
func isEnough(seen *observed, p plan) bool {
	d, a := seen.deployment, seen.queue.Spec.Autoscaling
	return a != nil && d != nil && !isRollingOut(d) && !isUnobserved(seen) &&
		d.Status.ReadyReplicas >= min(p.replicas, max(1, a.MinReplicas))
}

// isUnobserved says that the Deployment's status is about an older spec of the
// queue. One that was only scaled since then is as good as before.
func isUnobserved(seen *observed) bool {
	d, q := seen.deployment, seen.queue
	if d == nil || d.Status.ObservedGeneration >= d.Generation {
		return false
	}
	return q.Status.ObservedGeneration != q.Generation || !meta.IsStatusConditionTrue(q.Status.Conditions, queuev1alpha1.ConditionReady)
}

func judgeScaling(seen *observed, p plan, reachable verdict) *verdict {
	var v verdict
	switch {
	case seen.queue.Spec.Autoscaling == nil:
		return nil
	case seen.queue.Spec.Suspend:
		v = bad(queuev1alpha1.ReasonSuspended, "a suspended queue has no workers")
	case reachable.status != metav1.ConditionTrue:
		v = bad(reachable.reason, "the number of workers is held: "+reachable.message)
	case p.replicas == 0:
		v = good(queuev1alpha1.ReasonScaledToZero, "there is nothing to do; the first message wakes a worker")
	default:
		v = good(queuev1alpha1.ReasonBacklog, "the backlog decides the number of workers")
	}
	return &v
}

func judgeReload(seen *observed, o outcome) *verdict {
	var v verdict
	switch {
	case seen.queue.Spec.TimeoutReload == nil:
		return nil
	case seen.elder != nil:
		v = bad(queuev1alpha1.ReasonChannelConflict, "another AsyncQueue owns the channel")
	case seen.cronJobTaken && seen.leaving:
		v = bad(queuev1alpha1.ReasonProgressing, leavingMessage)
	case seen.cronJobTaken:
		v = bad(queuev1alpha1.ReasonNameConflict, takenMessage("CronJob", desired.CronJobName(seen.queue.Name)))
	case o.cronJob != nil && isRefused(o.cronJob):
		v = bad(queuev1alpha1.ReasonInvalidSchedule, apiMessage(o.cronJob))
	case o.cronJob != nil:
		v = bad(queuev1alpha1.ReasonApplyFailed, apiMessage(o.cronJob))
	case seen.cronJob == nil && seen.problem != nil:
		v = bad(seen.problem.Reason, seen.problem.Message)
	case seen.cronJob == nil:
		v = bad(queuev1alpha1.ReasonProgressing, "the CronJob does not exist yet")
	case ptr.Deref(seen.cronJob.Spec.Suspend, false):
		v = bad(queuev1alpha1.ReasonSuspended, "reloads pause while the queue is suspended")
	default:
		v = good(queuev1alpha1.ReasonScheduled, "messages that timed out are reloaded by CronJob "+seen.cronJob.Name)
	}
	return &v
}

func judgeSuspended(seen *observed) *verdict {
	v := bad(queuev1alpha1.ReasonNotSuspended, "spec.suspend is false")
	if seen.queue.Spec.Suspend {
		v = good(queuev1alpha1.ReasonSuspended, "spec.suspend is true: messages stay in Redis")
	}
	return &v
}

const (
	// longestMessage keeps a condition readable, and well under the API's limit.
	longestMessage = 1024
	// longestReason is the schema's limit for lastScaleReason.
	longestReason = 256
	// longestNote is the API's limit for the note of an event, in bytes.
	longestNote = 1024
)

// apiMessage is what the API server said, without our own words around it.
func apiMessage(err error) string {
	var status apierrors.APIStatus
	message := err.Error()
	if errors.As(err, &status) {
		message = status.Status().Message
	}
	return shorten(message, longestMessage)
}

// shorten keeps a text within so many bytes. It never cuts a character in two:
// the API server would store another text than was sent.
func shorten(text string, most int) string {
	const ellipsis = "..."
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(ellipsis)], "") + ellipsis
}

// setConditions writes the verdicts into conditions, in an order that does not
// change, and drops the absent ones.
func setConditions(conditions *[]metav1.Condition, verdicts map[string]*verdict, generation int64) {
	kinds := make([]string, 0, len(verdicts))
	for kind := range verdicts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		v := verdicts[kind]
		if v == nil {
			meta.RemoveStatusCondition(conditions, kind)
			continue
		}
		meta.SetStatusCondition(conditions, metav1.Condition{
			Type: kind, Status: v.status, Reason: v.reason, Message: v.message, ObservedGeneration: generation,
		})
	}
}
