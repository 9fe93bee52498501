package controllers

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// happening is an event to record.
type happening struct {
	kind, reason, action, note string
}

// teller makes an event of a condition that changed, or none. Absent conditions
// are the zero Condition.
type teller struct {
	condition, action string
	tell              func(before, after metav1.Condition) (kind, reason string)
}

// tellers say which changes are worth an event.
var tellers = []teller{
	{queuev1alpha1.ConditionStalled, "Apply", func(_, after metav1.Condition) (string, string) {
		return warning(after.Status == metav1.ConditionTrue, after)
	}},
	{queuev1alpha1.ConditionReady, "Apply", func(_, after metav1.Condition) (string, string) {
		return warning(after.Reason == queuev1alpha1.ReasonApplyFailed, after)
	}},
	{queuev1alpha1.ConditionQueueReachable, "Observe", func(before, after metav1.Condition) (string, string) {
		if before.Status == metav1.ConditionFalse && after.Status == metav1.ConditionTrue {
			return corev1.EventTypeNormal, after.Reason
		}
		return warning(after.Status == metav1.ConditionFalse, after)
	}},
	{queuev1alpha1.ConditionWorkersAvailable, "Observe", func(_, after metav1.Condition) (string, string) {
		return warning(after.Reason == queuev1alpha1.ReasonWorkersFailing, after)
	}},
	{queuev1alpha1.ConditionSuspended, "Suspend", func(before, after metav1.Condition) (string, string) {
		switch {
		case after.Status == metav1.ConditionTrue:
			return corev1.EventTypeNormal, after.Reason
		case before.Status == metav1.ConditionTrue:
			return corev1.EventTypeNormal, "Resumed"
		}
		return "", ""
	}},
}

func warning(worthIt bool, c metav1.Condition) (kind, reason string) {
	if !worthIt {
		return "", ""
	}
	return corev1.EventTypeWarning, c.Reason
}

// eventsOf is pure: events tell of the change from one status to the next, and of
// nothing that stays.
func eventsOf(before, after *queuev1alpha1.AsyncQueueStatus, p plan) []happening {
	var list []happening
	if before.DesiredReplicas != after.DesiredReplicas {
		list = append(list, happening{
			corev1.EventTypeNormal, "Scaled", "Scale",
			fmt.Sprintf("from %d to %d workers: %s", before.DesiredReplicas, after.DesiredReplicas, p.message),
		})
	}
	for _, t := range tellers {
		old, now := find(before, t.condition), find(after, t.condition)
		if old.Status == now.Status && old.Reason == now.Reason {
			continue
		}
		if kind, reason := t.tell(old, now); kind != "" {
			list = append(list, happening{kind, reason, t.action, now.Message})
		}
	}
	return list
}

func find(s *queuev1alpha1.AsyncQueueStatus, kind string) metav1.Condition {
	if c := meta.FindStatusCondition(s.Conditions, kind); c != nil {
		return *c
	}
	return metav1.Condition{}
}
