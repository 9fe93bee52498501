package apiserver_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/queue"
)

var _ = Describe("A scale-in", func() {
	It("first tells Kubernetes which pods are busy, and says nothing where all are idle", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", `spec: {replicas: 3}`)
		for _, name := range []string{"busy", "idle", "idle-too"} {
			Expect(k8sClient.Create(ctx, workerPod(o.namespace, name))).To(Succeed())
		}
		cost := func(pod string) string {
			return get(ctx, o, pod, &corev1.Pod{}).Annotations[corev1.PodDeletionCost]
		}
		patches := func() (paths []string) {
			for _, line := range o.requests.writes() {
				if strings.HasPrefix(line, "PATCH ") && (strings.Contains(line, "/pods/") || strings.HasSuffix(line, "/orders-worker")) {
					paths = append(paths, line[strings.LastIndex(line, "/")+1:])
				}
			}
			return paths
		}

		By("scaling in idle workers")
		o.update(ctx, "orders", `spec: {replicas: 2}`)
		o.awaitDeployment(ctx, "orders", 2)
		Expect(cost("busy")).To(BeEmpty())
		o.update(ctx, "orders", `spec: {replicas: 3}`)
		o.awaitDeployment(ctx, "orders", 3)

		By("scaling in while one of them has a message in hand")
		q, err := queue.New(o.rdb, o.queue(ctx, "orders").EffectiveChannel())
		Expect(err).NotTo(HaveOccurred())
		worker, err := q.NewConsumer(queue.ConsumerConfig{ID: "w", Pod: "busy"})
		Expect(err).NotTo(HaveOccurred())
		Expect(worker.Register(ctx)).To(Succeed())
		_, err = worker.Beat(ctx, queue.Load{Running: 2})
		Expect(err).NotTo(HaveOccurred())
		before := len(patches())
		Eventually(func() string {
			o.update(ctx, "orders", `spec: {replicas: 1}`)
			o.awaitDeployment(ctx, "orders", 1)
			if cost("busy") == "" { // the beat came too late for this one
				o.update(ctx, "orders", `spec: {replicas: 3}`)
				o.awaitDeployment(ctx, "orders", 3)
			}
			return cost("busy")
		}).Should(Equal("2"))
		Expect(cost("idle") + cost("idle-too")).To(BeEmpty())
		after := patches()[before:]
		Expect(after[len(after)-2:]).To(Equal([]string{"busy", "orders-worker"}), "the pods come first, then the smaller number")
	})
})

// workerPod is a pod of the queue orders, as far as the operator looks at it.
func workerPod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: desired.Labels("orders", desired.ComponentWorker)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "worker", Image: "none"}}},
	}
}
