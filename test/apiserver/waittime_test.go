package apiserver_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/asyncqueue/operator/queue"
)

var _ = Describe("Scaling by waiting time", func() {
	It("goes by the length until a run has ended, then by how fast the workers are", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", `spec: {autoscaling: {maxReplicas: 5, waitTime: {targetSeconds: 60}}}`)
		o.push(ctx, "orders", 200)
		o.awaitDeployment(ctx, "orders", 5)
		Eventually(func() string { return o.queue(ctx, "orders").Status.LastScaleReason }).Should(Equal("AtMaximum: 200 waiting + 0 due + 0 in hand / 10 per replica = 20, at most 5"))

		q, err := queue.New(o.rdb, o.queue(ctx, "orders").EffectiveChannel())
		Expect(err).NotTo(HaveOccurred())
		worker, err := q.NewConsumer(queue.ConsumerConfig{ID: "w", Pod: "orders-worker-a"})
		Expect(err).NotTo(HaveOccurred())
		Expect(worker.Register(ctx)).To(Succeed())
		done := uint64(0)
		Eventually(func() int32 {
			done += 50 // five slots end them in a fraction of a second
			_, err := worker.Beat(ctx, queue.Load{Running: 5, Done: done})
			Expect(err).NotTo(HaveOccurred())
			return *o.deployment(ctx, "orders").Spec.Replicas
		}).Should(Equal(int32(1)))
		Eventually(func() string { return o.queue(ctx, "orders").Status.LastScaleReason }).Should(
			And(HavePrefix("WaitTime: 200 waiting + due / 60 s / "), HaveSuffix(" per second and replica = 1")))
	})
})
