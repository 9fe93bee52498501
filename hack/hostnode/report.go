//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// report writes the pod's status where it has changed and, when a deleted pod
// has come to rest, ends its object.
func (r *podRunner) report(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	if err := r.writeStatus(ctx); err != nil {
		return ignoreGone(err)
	}
	if r.deleteBy.IsZero() || len(r.procs) > 0 {
		return nil
	}
	return ignoreGone(r.endObject(ctx))
}

func (r *podRunner) writeStatus(ctx context.Context) error {
	pods := r.host.client.CoreV1().Pods(r.namespace)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if r.over() {
			return nil // the last word has been said
		}
		status := r.status()
		if equality.Semantic.DeepEqual(status, r.pod.Status) {
			return nil
		}
		changed := r.pod.DeepCopy()
		changed.Status = status
		written, err := pods.UpdateStatus(ctx, changed, metav1.UpdateOptions{})
		if err == nil {
			r.pod = written
			return nil
		}
		if apierrors.IsConflict(err) {
			if live, getErr := pods.Get(ctx, r.name, metav1.GetOptions{}); getErr == nil && live.UID == r.pod.UID {
				r.take(live)
			}
		}
		return err
	})
}

func (r *podRunner) status() corev1.PodStatus {
	return view{
		pod: r.pod, states: r.states, podIP: r.planner.facts.podIP, hostIP: hostIP,
		startTime: r.startTime, prepared: r.prepared, deleting: !r.deleteBy.IsZero(), now: time.Now(),
	}.status()
}

// endObject deletes the pod's object for good: nothing of it runs any more.
func (r *podRunner) endObject(ctx context.Context) error {
	now := int64(0)
	err := r.host.client.CoreV1().Pods(r.namespace).Delete(ctx, r.name, metav1.DeleteOptions{
		GracePeriodSeconds: &now,
		Preconditions:      metav1.NewUIDPreconditions(string(r.pod.UID)),
	})
	if err != nil {
		return fmt.Errorf("ending the pod's object: %w", err)
	}
	return nil
}

// ignoreGone forgives that the object is gone already.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
