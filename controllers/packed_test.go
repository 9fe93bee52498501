package controllers

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/asyncqueue/operator/controllers/desired"
)

// children returns the children of the queue number n, as the API server has them.
func children(t *testing.T, n int) (*appsv1.Deployment, *batchv1.CronJob) {
	t.Helper()
	seen := scene(reloaded)
	q := seen.queue
	q.Name, q.UID = fmt.Sprintf("orders-%05d", n), types.UID(fmt.Sprintf("4dfcd3e8-1c86-4a6b-a1b4-%012d", n))
	in := desired.Input{Queue: q, WorkerImage: seen.workerImage, Replicas: 1, Redis: seen.connection.Pods}
	d, err := desired.Deployment(in)
	if err != nil {
		t.Fatal(err)
	}
	c := desired.CronJob(in)
	for _, o := range []client.Object{d, c} {
		o.SetUID(types.UID(fmt.Sprintf("0f485966-2638-47d0-a4d2-%012d", n)))
		o.SetResourceVersion(fmt.Sprint(1000 + n))
		o.SetCreationTimestamp(metav1.NewTime(noon.Local()))
		o.SetAnnotations(map[string]string{desired.AnnotationApplied: fmt.Sprintf("%016d", n)})
		o.SetManagedFields([]metav1.ManagedFieldsEntry{entry("kubectl-set", metav1.ManagedFieldsOperationUpdate, "", `{"f:spec":{"f:paused":{}}}`)})
	}
	d.TypeMeta, c.TypeMeta = metav1.TypeMeta{}, metav1.TypeMeta{}
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1,
		Conditions: []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, LastUpdateTime: metav1.NewTime(noon.Add(time.Second).Local()),
			Reason: "NewReplicaSetAvailable", Message: fmt.Sprintf("ReplicaSet %q has successfully progressed.", d.Name+"-745b84fb49"),
		}},
	}
	return d, c
}

// The cache holds little of a child, and gives back all of it that is ever read.
func TestPackedChildren(t *testing.T) {
	packers := map[string]*packer{"Deployment": packerOf[appsv1.Deployment](), "CronJob": packerOf[batchv1.CronJob]()}
	for n := range 3 {
		d, c := children(t, n)
		for kind, o := range map[string]client.Object{"Deployment": d, "CronJob": c} {
			t.Run(fmt.Sprint(kind, n), func(t *testing.T) {
				want := o.DeepCopyObject().(client.Object)
				slim(want)
				result, err := packers[kind].transform(o)
				if err != nil {
					t.Fatal(err)
				}
				p := result.(*packed)
				if diff := cmp.Diff(want, p.DeepCopyObject().(client.Object)); diff != "" {
					t.Errorf("what is read differs (-want +got):\n%s", diff)
				}
				got := [...]string{p.GetNamespace(), p.GetName(), string(p.GetUID()), p.GetResourceVersion(), string(metav1.GetControllerOf(p).UID)}
				if diff := cmp.Diff([...]string{want.GetNamespace(), want.GetName(), string(want.GetUID()), want.GetResourceVersion(), string(metav1.GetControllerOf(want).UID)}, got); diff != "" {
					t.Errorf("what watches see differs (-want +got):\n%s", diff)
				}
				if again, err := packers[kind].transform(p); err != nil || again != any(p) {
					t.Errorf("what is packed is packed again, error %v", err)
				}
				// Both kinds take more than 2,000 bytes as protobuf, and 6,000 in Go.
				if size := len(p.bytes); size > 300 {
					t.Errorf("%d bytes in the cache", size)
				}
			})
		}
	}
}

func TestLedgerForgetsWhatIsPackedInTheCache(t *testing.T) {
	d, _ := children(t, 1)
	var l ledger
	l.note(d.DeepCopy())
	p, err := packerOf[appsv1.Deployment]().transform(d)
	if err != nil {
		t.Fatal(err)
	}
	_ = newest(&l, p.(client.Object))
	if len(l.objects) > 0 {
		t.Error("an object is kept that the cache has")
	}
}
