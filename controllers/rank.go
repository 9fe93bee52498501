package controllers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/controllers/poll"
)

const (
	// rankSettles is how long the pods' ranks get to reach the ReplicaSet
	// controller, which learns of them on another watch than of the smaller number.
	rankSettles = 500 * time.Millisecond
	// rankLasts is after what time ranks are too old to scale in by.
	rankLasts = 10 * time.Second
)

// rank makes a scale-in take idle pods first: ahead of it, each pod is told what
// it would cost to delete it, which is what it has in hand. Kubernetes deletes the
// cheapest first. It says whether the scale-in is to wait. Nothing is written at
// any other time, nor where no pod differs from another.
func (r *Reconciler) rank(ctx context.Context, seen *observed, p plan) (wait bool, err error) {
	d, m := seen.deployment, seen.memory
	if d == nil || p.replicas == 0 || p.replicas >= ptr.Deref(d.Spec.Replicas, 1) || !seen.sight.Known() {
		m.rankedAt = time.Time{}
		return false, nil
	}
	// A Deployment that was made larger by hand is put right at once.
	mayWait := ptr.Deref(d.Spec.Replicas, 1) == seen.queue.Status.DesiredReplicas
	switch age := seen.now.Sub(m.rankedAt); {
	case age < rankSettles:
		return mayWait, nil
	case age < rankLasts:
		return false, nil
	}
	pods := &metav1.PartialObjectMetadataList{}
	pods.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PodList"))
	if err := r.Reader.List(ctx, pods, client.InNamespace(d.Namespace), client.MatchingLabels(desired.Selector(seen.queue.Name))); err != nil {
		return mayWait, fmt.Errorf("listing worker pods: %w", err)
	}
	costs := costsOf(pods.Items, seen.sight.Workers)
	var failed []error
	for i, cost := range costs {
		if err := r.setCost(ctx, &pods.Items[i], cost); err != nil {
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return mayWait, err
	}
	if len(costs) == 0 {
		return false, nil
	}
	m.rankedAt = seen.now
	return mayWait, nil
}

// costsOf says which pods need another deletion cost, by their index. Pods that
// would all be worth the same need none.
func costsOf(pods []metav1.PartialObjectMetadata, workers []poll.Worker) map[int]int {
	inHand := map[string]int{}
	for _, w := range workers {
		inHand[w.Pod] += w.Running
	}
	changes, differ, first := map[int]int{}, false, -1
	for i := range pods {
		if !pods[i].DeletionTimestamp.IsZero() {
			continue
		}
		if first < 0 {
			first = i
		}
		cost, before := inHand[pods[i].Name], costOf(&pods[i])
		if cost != before {
			changes[i] = cost
		}
		differ = differ || cost != inHand[pods[first].Name] || before != costOf(&pods[first])
	}
	if !differ {
		return nil
	}
	return changes
}

// costOf is a pod's deletion cost as it stands; without one it is 0.
func costOf(pod *metav1.PartialObjectMetadata) int {
	cost, err := strconv.Atoi(pod.Annotations[corev1.PodDeletionCost])
	if err != nil {
		return 0
	}
	return cost
}

// setCost writes a pod's deletion cost. A pod that went meanwhile needs none.
func (r *Reconciler) setCost(ctx context.Context, pod *metav1.PartialObjectMetadata, cost int) error {
	before := pod.DeepCopy()
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[corev1.PodDeletionCost] = strconv.Itoa(cost)
	err := r.Client.Patch(ctx, pod, client.MergeFrom(before), client.FieldOwner(FieldManager))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("ranking pod %q: %w", pod.Name, err)
	}
	return nil
}
