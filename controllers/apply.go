package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/asyncqueue/operator/controllers/desired"
)

// outcome is how the writes of a plan ended; nil errors: well.
type outcome struct {
	deployment, cronJob error
}

// transient is what trying again may cure: all but a refusal for what the object
// says.
func (o outcome) transient() error {
	var errs []error
	for _, err := range []error{o.deployment, o.cronJob} {
		if err != nil && !isRefused(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// isEnding says that the namespace is being deleted, and the queue with it:
// nothing can or need be done.
func (o outcome) isEnding() bool {
	return apierrors.HasStatusCause(o.deployment, corev1.NamespaceTerminatingCause) ||
		apierrors.HasStatusCause(o.cronJob, corev1.NamespaceTerminatingCause)
}

// isRefused says that the API server will never take the object as it is.
func isRefused(err error) bool { return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) }

// apply writes the children. One that fails does not keep the other from being
// written.
func (r *Reconciler) apply(ctx context.Context, seen *observed, p plan) outcome {
	var o outcome
	switch p.deploymentStep {
	case leave:
	case ensure:
		seen.deployment, o.deployment = ensureChild(ctx, r, seen.memory, p.deployment, seen.deployment, &appsv1.Deployment{})
		if o.deployment != nil && isRefused(o.deployment) {
			o.deployment = cmp.Or(r.resize(ctx, seen, p.replicas), o.deployment)
		}
	case adjust:
		o.deployment = r.resize(ctx, seen, p.replicas)
	case remove:
		o.deployment = removeChild(ctx, r, seen.deployment)
	}
	switch p.cronJobStep {
	case leave:
	case ensure:
		seen.cronJob, o.cronJob = ensureChild(ctx, r, seen.memory, p.cronJob, seen.cronJob, &batchv1.CronJob{})
		if o.cronJob != nil && isRefused(o.cronJob) {
			o.cronJob = cmp.Or(r.pause(ctx, seen), o.cronJob)
		}
	case adjust:
		o.cronJob = r.pause(ctx, seen)
	case remove:
		o.cronJob = removeChild(ctx, r, seen.cronJob)
	}
	return o
}

// object is a pointer to a child's type.
type object[T any] interface {
	*T
	client.Object
}

// ensureChild applies want unless live already is that, and returns the child as
// it stands then.
func ensureChild[T any, P object[T]](ctx context.Context, r *Reconciler, m *memory, want *unstructured.Unstructured, live, fresh P) (P, error) {
	kind := want.GetKind()
	if live != nil {
		settled, err := desired.Settled(want, live)
		if err != nil {
			return live, err
		}
		isMeddled := r.isMeddledWith(m, kind, live)
		if !isMeddled && !m.evicted[kind].isOpen && (settled || m.refused[kind] == attempt(want, live)) {
			return live, nil
		}
		if isMeddled {
			if err := r.evict(ctx, live, fresh.DeepCopyObject().(client.Object)); err != nil {
				return live, err
			}
			m.evicted[kind] = eviction{at: r.Clock(), isOpen: true}
		}
	}
	answer := want.DeepCopy()
	if err := r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(answer), applyOptions(answer, live)...); err != nil {
		return live, fmt.Errorf("applying %s %q: %w", kind, want.GetName(), err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(answer.Object, fresh); err != nil {
		return live, fmt.Errorf("reading the applied %s %q: %w", kind, want.GetName(), err)
	}
	r.remember(ctx, fresh)
	m.evicted[kind] = eviction{at: m.evicted[kind].at}
	// An admission plugin may have its own will. Applying over and over would not
	// break it: wait until either side changes.
	delete(m.refused, kind)
	if settled, err := desired.Settled(want, fresh); err == nil && !settled {
		m.refused[kind] = attempt(want, fresh)
	}
	return fresh, nil
}

// applyOptions are those for a child that stands, nil: for one that does not. A
// child that stands is applied to that very object. One that does not is applied
// without force: should a stranger's appear under its name meanwhile, the API
// server refuses, and the next look finds it.
func applyOptions[T any, P object[T]](answer *unstructured.Unstructured, live P) []client.ApplyOption {
	options := []client.ApplyOption{client.FieldOwner(FieldManager)}
	if live == nil {
		return options
	}
	answer.SetUID(live.GetUID())
	return append(options, client.ForceOwnership)
}

// attempt names one state of the API server's object against one wish.
func attempt(want *unstructured.Unstructured, live client.Object) string {
	return want.GetAnnotations()[desired.AnnotationApplied] + " over " + live.GetResourceVersion()
}

// resize sets the number of workers of a Deployment that stands, and leaves the
// rest: a queue must stop and scale even where its pods cannot be described anew.
func (r *Reconciler) resize(ctx context.Context, seen *observed, replicas int32) error {
	if seen.deployment == nil || ptr.Deref(seen.deployment.Spec.Replicas, 1) == replicas {
		return nil
	}
	resized := seen.deployment.DeepCopy()
	resized.Spec.Replicas = &replicas
	if err := r.patch(ctx, resized, seen.deployment); err != nil {
		return fmt.Errorf("resizing Deployment %q: %w", resized.Name, err)
	}
	seen.deployment = resized
	return nil
}

// pause suspends a CronJob that stands, or lets it go on, as the queue says.
func (r *Reconciler) pause(ctx context.Context, seen *observed) error {
	suspend := seen.queue.Spec.Suspend
	if seen.cronJob == nil || ptr.Deref(seen.cronJob.Spec.Suspend, false) == suspend {
		return nil
	}
	paused := seen.cronJob.DeepCopy()
	paused.Spec.Suspend = &suspend
	if err := r.patch(ctx, paused, seen.cronJob); err != nil {
		return fmt.Errorf("suspending CronJob %q: %w", paused.Name, err)
	}
	seen.cronJob = paused
	return nil
}

// patch writes only what changed since before.
func (r *Reconciler) patch(ctx context.Context, changed, before client.Object) error {
	if err := r.Client.Patch(ctx, changed, client.MergeFrom(before), client.FieldOwner(FieldManager)); err != nil {
		return err
	}
	r.remember(ctx, changed)
	return nil
}

// removeChild deletes a child that is there and not going already. Its pods go
// with it, each with its grace period.
func removeChild[T any, P object[T]](ctx context.Context, r *Reconciler, live P) error {
	if live == nil || !live.GetDeletionTimestamp().IsZero() {
		return nil
	}
	uid := live.GetUID()
	err := r.Client.Delete(ctx, live, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting %T %q: %w", live, live.GetName(), err)
	}
	return nil
}
