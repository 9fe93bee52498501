package controllers

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/autoscale"
	"github.com/asyncqueue/operator/controllers/desired"
)

// step is what becomes of a child.
type step int

const (
	// leave does nothing: the child is not ours, or cannot be built now.
	leave step = iota
	// ensure makes the child what it should be.
	ensure
	// adjust only sets the number of workers, or suspends the CronJob, where the
	// rest cannot be built.
	adjust
	// remove deletes the child if it is there.
	remove
)

// plan is what to do about a queue, and why.
type plan struct {
	replicas int32
	// reason is why so many replicas, in a word, message in a sentence.
	reason, message string
	// scaling is the autoscaling decision; nil: none was made.
	scaling *autoscale.Decision
	// waits says that a smaller size is called for, but not yet applied.
	waits bool

	deploymentStep, cronJobStep step
	// deployment and cronJob are what to ensure.
	deployment, cronJob *unstructured.Unstructured
	// broken is why the Deployment cannot be built from the template.
	broken error
}

// Words for lastScaleReason beside those of autoscale.
const (
	scaleReasonSpec      = "Spec"
	scaleReasonSuspended = "Suspended"
	scaleReasonConflict  = "ChannelConflict"
	scaleReasonInitial   = "Initial"
)

// decide is pure: what is seen leads to a plan.
func decide(seen *observed) plan {
	p := size(seen)
	if seen.waits {
		p = p.asBefore(seen.queue.Status.DesiredReplicas)
	}
	switch {
	case seen.elder != nil:
		p.deploymentStep, p.cronJobStep = remove, remove
		return p
	case seen.problem != nil:
		p.deploymentStep, p.cronJobStep = adjust, adjust
		if seen.queue.Spec.TimeoutReload == nil {
			p.cronJobStep = remove
		}
		return p
	}
	in := desired.Input{
		Queue: seen.queue, WorkerImage: seen.workerImage, Replicas: p.replicas, Redis: seen.connection.Pods,
	}
	if !seen.deploymentTaken {
		p.planDeployment(in)
	}
	if !seen.cronJobTaken {
		p.planCronJob(in)
	}
	return p
}

func (p *plan) planDeployment(in desired.Input) {
	d, err := desired.Deployment(in)
	if err == nil {
		p.deployment, err = desired.Applied(d)
	}
	p.deploymentStep, p.broken = ensure, err
	if err != nil {
		p.deploymentStep, p.deployment = adjust, nil
	}
}

func (p *plan) planCronJob(in desired.Input) {
	p.cronJobStep = remove
	cronJob := desired.CronJob(in)
	if cronJob == nil {
		return
	}
	p.cronJobStep = leave
	if u, err := desired.Applied(cronJob); err == nil { // it is made of our own types only
		p.cronJob, p.cronJobStep = u, ensure
	}
}

// size decides the number of workers.
func size(seen *observed) plan {
	q := seen.queue
	fixed := ptr.Deref(q.Spec.Replicas, 1)
	switch {
	case seen.elder != nil:
		return plan{reason: scaleReasonConflict, message: "another queue owns the channel"}
	case q.Spec.Suspend:
		return plan{reason: scaleReasonSuspended, message: "the queue is suspended"}
	case q.Spec.Autoscaling == nil:
		return plan{replicas: fixed, reason: scaleReasonSpec, message: fmt.Sprintf("spec.replicas is %d", fixed)}
	}
	limits := limitsOf(q, seen.scaleInWindow)
	current, isKnown := currentSize(seen)
	if !isKnown {
		start := startSize(q)
		return plan{replicas: start, reason: scaleReasonInitial, message: fmt.Sprintf("a new queue starts with %d", start)}
	}
	in := autoscale.Input{Limits: limits, Current: current, Now: seen.sight.At, Since: seen.sight.Since, State: seen.memory.scaling}
	if seen.sight.Known() {
		counts := countsOf(seen.sight)
		in.Counts = &counts
	}
	d := autoscale.Decide(in)
	return plan{replicas: d.Replicas, reason: string(d.Reason), message: d.Message, scaling: &d}
}

// startSize is how many workers a new queue that scales has at first.
func startSize(q *queuev1alpha1.AsyncQueue) int32 {
	limits := limitsOf(q, 0)
	return min(max(ptr.Deref(q.Spec.Replicas, 1), limits.Min), limits.Max)
}

// asBefore is the plan with the size that stands.
func (p plan) asBefore(size int32) plan {
	p.replicas, p.waits = size, true
	return p
}

// currentSize is how many workers were asked for so far; not known: the queue is
// new. A status may be lost, or not have been written: after a restart what stands
// counts where it is more, since fewer workers must be called for by the backlog.
func currentSize(seen *observed) (size int32, isKnown bool) {
	if seen.memory.size != nil {
		return *seen.memory.size, true
	}
	size, isKnown = seen.queue.Status.DesiredReplicas, seen.queue.Status.ObservedGeneration > 0
	if d := seen.deployment; d != nil {
		size, isKnown = max(size, ptr.Deref(d.Spec.Replicas, 1)), true
	}
	return size, isKnown
}

// scalingState is what the next decision about the size goes on from. A queue
// that did not scale by its backlog begins anew, idle clock and window included.
func (p plan) scalingState() autoscale.State {
	if p.scaling == nil {
		return autoscale.State{}
	}
	return p.scaling.State
}

// isRollingOut says that pods of an older template still stand.
func isRollingOut(d *appsv1.Deployment) bool { return d.Status.UpdatedReplicas < d.Status.Replicas }

// isBlocked reports that a person must change something, with the condition's
// reason and message.
func isBlocked(seen *observed, p plan) (reason, message string, blocked bool) {
	q := seen.queue
	switch {
	case seen.problem != nil && seen.problem.Stalled:
		return seen.problem.Reason, seen.problem.Message, true
	case seen.elder != nil:
		return queuev1alpha1.ReasonChannelConflict, conflictMessage(seen), true
	case seen.leaving:
		return "", "", false
	case seen.deploymentTaken:
		return queuev1alpha1.ReasonNameConflict, takenMessage("Deployment", desired.DeploymentName(q.Name)), true
	case seen.cronJobTaken:
		return queuev1alpha1.ReasonNameConflict, takenMessage("CronJob", desired.CronJobName(q.Name)), true
	case p.broken != nil:
		return queuev1alpha1.ReasonInvalidPodTemplate, p.broken.Error() + ": change spec.template", true
	}
	return "", "", false
}

func conflictMessage(seen *observed) string {
	return fmt.Sprintf("AsyncQueue %s is older and uses channel %s of the same Redis: choose another channel, database or Redis, or delete one of the two",
		seen.elder, seen.queue.EffectiveChannel())
}

func takenMessage(kind, name string) string {
	return fmt.Sprintf("%s %q exists and is not this queue's: delete it, or give the queue another name", kind, name)
}
