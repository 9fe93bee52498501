package controllers

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

func TestLedgerAnswersUntilTheCacheHasCaughtUp(t *testing.T) {
	version := func(uid types.UID, version string, replicas int32) *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders-worker", UID: uid, ResourceVersion: version},
			Spec:       appsv1.DeploymentSpec{Replicas: ptr.To(replicas)},
		}
	}
	var l ledger
	if got := *newest(&l, version("a", "100", 1)).Spec.Replicas; got != 1 {
		t.Errorf("an empty ledger answers %d", got)
	}
	tests := map[string]struct {
		cached *appsv1.Deployment
		want   int32
	}{
		"an older cache":      {version("a", "999", 1), 2},
		"the same":            {version("a", "1000", 2), 2},
		"a newer cache":       {version("a", "1001", 3), 3},
		"another object":      {version("b", "500", 4), 4},
		"no comparable order": {version("a", "x", 5), 5},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			l.note(version("a", "1000", 2))
			if got := *newest(&l, tc.cached).Spec.Replicas; got != tc.want {
				t.Errorf("%d replicas, want %d", got, tc.want)
			}
		})
	}
	l.note(version("a", "1000", 2))
	_ = newest(&l, version("a", "1000", 2))
	if len(l.objects) > 0 {
		t.Error("an object is kept that the cache has")
	}
	l.note(version("a", "1000", 2))
	l.forget(types.NamespacedName{Namespace: "shop", Name: "orders"})
	if got := *newest(&l, version("a", "1", 6)).Spec.Replicas; got != 6 {
		t.Errorf("a forgotten object answers %d", got)
	}
}
