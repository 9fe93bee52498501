package controllers

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestMeddlers(t *testing.T) {
	const spec = `{"f:spec":{"f:paused":{}}}`
	tests := map[string]struct {
		entry metav1.ManagedFieldsEntry
		want  bool
	}{
		"a paused rollout":           {entry("kubectl-rollout", metav1.ManagedFieldsOperationUpdate, "", spec), true},
		"an environment variable":    {entry("kubectl-set", metav1.ManagedFieldsOperationUpdate, "", `{"f:spec":{"f:template":{"f:spec":{"f:containers":{}}}}}`), true},
		"as the cache keeps it":      {metav1.ManagedFieldsEntry{Manager: "kubectl-set", Operation: metav1.ManagedFieldsOperationUpdate}, true},
		"a restart":                  {entry("kubectl-rollout", metav1.ManagedFieldsOperationUpdate, "", `{"f:spec":{"f:template":{"f:metadata":{"f:annotations":{".":{},"f:kubectl.kubernetes.io/restartedAt":{}}}}}}`), false},
		"a restart and a label":      {entry("kubectl-edit", metav1.ManagedFieldsOperationUpdate, "", `{"f:spec":{"f:template":{"f:metadata":{"f:annotations":{},"f:labels":{"f:a":{}}}}}}`), true},
		"a note":                     {entry("kubectl-annotate", metav1.ManagedFieldsOperationUpdate, "", `{"f:metadata":{"f:annotations":{"f:note":{}}}}`), false},
		"the Deployment controller":  {entry("kube-controller-manager", metav1.ManagedFieldsOperationUpdate, "status", `{"f:status":{"f:replicas":{}}}`), false},
		"kubectl scale":              {entry("kubectl", metav1.ManagedFieldsOperationUpdate, "scale", `{"f:spec":{"f:replicas":{}}}`), false},
		"one who applies on purpose": {entry("argocd", metav1.ManagedFieldsOperationApply, "", spec), false},
		"the operator":               {entry(FieldManager, metav1.ManagedFieldsOperationUpdate, "", spec), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := len(meddlers([]metav1.ManagedFieldsEntry{tc.entry})) > 0; got != tc.want {
				t.Errorf("meddles: %v, want %v", got, tc.want)
			}
		})
	}
}

// What one child has taken out of it delays nothing for the other, and what is put
// back is taken out again without anything that wakes the queue.
func TestEvictionsPause(t *testing.T) {
	meddled := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
		{Manager: "kubectl-set", Operation: metav1.ManagedFieldsOperationUpdate},
	}}}
	now := noon
	r := New(Config{Clock: func() time.Time { return now }})
	m := &memory{evicted: map[string]eviction{"CronJob": {at: noon}}}
	if r.isMeddledWith(m, "CronJob", meddled) || !r.isMeddledWith(m, "Deployment", meddled) {
		t.Error("want the Deployment's turn, and not yet the CronJob's")
	}
	if now = m.nextEviction("CronJob", meddled); now != noon.Add(evictPause) || !r.isMeddledWith(m, "CronJob", meddled) {
		t.Errorf("next eviction at %s, want %s", now, noon.Add(evictPause))
	}
	if at := m.nextEviction("CronJob", &appsv1.Deployment{}); !at.IsZero() {
		t.Errorf("next eviction at %s from what nobody meddled with", at)
	}
}

func entry(manager string, operation metav1.ManagedFieldsOperationType, subresource, fields string) metav1.ManagedFieldsEntry {
	raw := &metav1.FieldsV1{}
	raw.SetRawBytes([]byte(fields))
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, Subresource: subresource, FieldsV1: raw}
}
