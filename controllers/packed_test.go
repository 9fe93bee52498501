package controllers

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
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

// queueWithMuch returns the queue number n, as the API server has it.
func queueWithMuch(n int) *queuev1alpha1.AsyncQueue {
	q := scene(reloaded, scaling(0, 10)).queue
	q.Name, q.UID = fmt.Sprintf("orders-%05d", n), types.UID(fmt.Sprintf("4dfcd3e8-1c86-4a6b-a1b4-%012d", n))
	q.ResourceVersion, q.CreationTimestamp = fmt.Sprint(1000+n), metav1.NewTime(noon.Local())
	q.Annotations = map[string]string{"note": "", corev1.LastAppliedConfigAnnotation: "{}"}
	q.ManagedFields = []metav1.ManagedFieldsEntry{entry("kubectl", metav1.ManagedFieldsOperationUpdate, "", "{}")}
	q.Spec.Handler = &queuev1alpha1.Handler{HTTP: &queuev1alpha1.HTTPHandler{URL: "http://127.0.0.1:8080/jobs"}}
	q.Spec.Template = &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name:           "app",
		Resources:      corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}},
		LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("http")}}},
	}}}}
	return q
}

// withStatus gives a queue a status.
func withStatus(q *queuev1alpha1.AsyncQueue) *queuev1alpha1.AsyncQueue {
	seen := scene()
	seen.queue = q
	q.Status = statusOf(seen, decide(seen), outcome{})
	for i := range q.Status.Conditions {
		q.Status.Conditions[i].LastTransitionTime = metav1.NewTime(noon.Local())
	}
	q.Status.LastScaleTime, q.Status.Backlog.ObservedAt = ptr.To(metav1.NewTime(noon.Local())), metav1.NewTime(noon.Local())
	return q
}

// The cache holds little of an object, and gives back all of it that is ever read.
func TestPacked(t *testing.T) {
	packers := map[string]*packer{
		"AsyncQueue": cborPacker[queuev1alpha1.AsyncQueue](), "Deployment": protobufPacker[appsv1.Deployment](), "CronJob": protobufPacker[batchv1.CronJob](),
	}
	objects := map[string][]client.Object{"AsyncQueue": {queueWithMuch(0), withStatus(queueWithMuch(1)), withStatus(queueWithMuch(2)), queueWithMuch(3)}}
	for n := range 3 {
		d, c := children(t, n)
		objects["Deployment"], objects["CronJob"] = append(objects["Deployment"], d), append(objects["CronJob"], c)
	}
	for kind, list := range objects {
		var kept []*packed
		for i, o := range list {
			list[i] = o.DeepCopyObject().(client.Object)
			result, err := packers[kind].transform(o)
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, result.(*packed))
		}
		for i, p := range kept {
			t.Run(fmt.Sprint(kind, i), func(t *testing.T) {
				slim(list[i])
				if diff := cmp.Diff(list[i], p.DeepCopyObject().(client.Object)); diff != "" {
					t.Errorf("what is read differs (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(watched(list[i]), watched(p)); diff != "" {
					t.Errorf("what watches see differs (-want +got):\n%s", diff)
				}
				if again, err := packers[kind].transform(p); err != nil || again != any(p) {
					t.Errorf("what is packed is packed again, error %v", err)
				}
				// As protobuf or CBOR they have 2,000 bytes.
				if size := len(p.bytes); size > 300 {
					t.Errorf("%d bytes in the cache", size)
				}
			})
		}
	}
}

// watched is what those who watch look at.
func watched(o client.Object) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(),
		Generation: o.GetGeneration(), OwnerReferences: o.GetOwnerReferences(),
	}
}

func TestLedgerForgetsWhatIsPackedInTheCache(t *testing.T) {
	d, _ := children(t, 1)
	var l ledger
	l.note(d.DeepCopy())
	p, err := protobufPacker[appsv1.Deployment]().transform(d)
	if err != nil {
		t.Fatal(err)
	}
	_ = newest(&l, p.(client.Object))
	if len(l.objects) > 0 {
		t.Error("an object is kept that the cache has")
	}
}
