package apiserver_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

var _ = Describe("The scale subresource", func() {
	created := func(ctx SpecContext, change string) *queuev1alpha1.AsyncQueue {
		GinkgoHelper()
		u := manifest(newNamespace(ctx), change)
		Expect(k8sClient.Create(ctx, u)).To(Succeed())
		q := &queuev1alpha1.AsyncQueue{}
		Expect(k8sClient.Get(ctx, client.ObjectKeyFromObject(u), q)).To(Succeed())
		return q
	}
	scaleOf := func(ctx SpecContext, q *queuev1alpha1.AsyncQueue) *autoscalingv1.Scale {
		GinkgoHelper()
		scale := &autoscalingv1.Scale{}
		Expect(k8sClient.SubResource("scale").Get(ctx, q, scale)).To(Succeed())
		return scale
	}
	setScale := func(ctx SpecContext, q *queuev1alpha1.AsyncQueue, replicas int32) error {
		GinkgoHelper()
		scale := scaleOf(ctx, q)
		scale.Spec.Replicas = replicas
		return k8sClient.SubResource("scale").Update(ctx, q, client.WithSubResourceBody(scale))
	}

	It("reads and sets the replicas of a queue that does not name them", func(ctx SpecContext) {
		q := created(ctx, "")
		Expect(scaleOf(ctx, q).Spec.Replicas).To(Equal(int32(1)))
		Expect(setScale(ctx, q, 7)).To(Succeed())
		Expect(k8sClient.Get(ctx, client.ObjectKeyFromObject(q), q)).To(Succeed())
		Expect(q.Spec.Replicas).To(HaveValue(Equal(int32(7))))
	})

	It("shows how many workers there are and which pods they are", func(ctx SpecContext) {
		q := created(ctx, "")
		q.Status.Replicas = 3
		q.Status.Selector = "queue.asyncqueue.dev/queue=orders"
		Expect(k8sClient.Status().Update(ctx, q)).To(Succeed())

		scale := scaleOf(ctx, q)
		Expect(scale.Status.Replicas).To(Equal(int32(3)))
		Expect(scale.Status.Selector).To(Equal("queue.asyncqueue.dev/queue=orders"))
	})

	It("refuses to scale what the operator scales, and out of bounds", func(ctx SpecContext) {
		Expect(setScale(ctx, created(ctx, `spec: {autoscaling: {maxReplicas: 5}}`), 3)).To(MatchError(ContainSubstring(replicasFixed)))

		free := created(ctx, "")
		Expect(setScale(ctx, free, 1001)).To(MatchError(ContainSubstring("less than or equal to 1000")))
		Expect(setScale(ctx, free, -1)).To(MatchError(ContainSubstring("greater than or equal to 0")))
	})
})
