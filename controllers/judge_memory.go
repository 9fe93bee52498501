package controllers

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// judgeMemory says whether there is a memory limit of which spec.maxMemoryPercent
// is a share. Where the template sets none, a LimitRange may set one as pods are
// admitted; the operator does not look at pods that are well, so it does not know.
func judgeMemory(q *queuev1alpha1.AsyncQueue) *verdict {
	if q.Spec.MaxMemoryPercent == 0 {
		return nil
	}
	v := unknown(queuev1alpha1.ReasonMemoryLimitNotSet,
		"spec.template sets no memory limit for the container worker: unless a LimitRange of the namespace sets one, maxMemoryPercent has no effect; set resources.limits.memory there")
	if isMemoryLimited(q.Spec.Template) {
		v = good(queuev1alpha1.ReasonMemoryLimitSet,
			fmt.Sprintf("a worker replaces its process when its container uses more than %d percent of its memory limit", q.Spec.MaxMemoryPercent))
	}
	return &v
}

// isMemoryLimited says that a template limits the memory of the container worker: its own, or
// that of the whole pod, which then counts for each container without one.
func isMemoryLimited(t *corev1.PodTemplateSpec) bool {
	if t == nil {
		return false
	}
	if pod := t.Spec.Resources; pod != nil && !pod.Limits.Memory().IsZero() {
		return true
	}
	for i := range t.Spec.Containers {
		if c := &t.Spec.Containers[i]; c.Name == queuev1alpha1.WorkerContainer {
			return !c.Resources.Limits.Memory().IsZero()
		}
	}
	return false
}
