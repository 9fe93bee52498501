package apiserver_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
)

var _ = Describe("The life of a queue", func() {
	It("is told by its status", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", `spec: {replicas: 2}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionQueueReachable, "True/Reachable")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/WorkersStarting")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReconciling, "True/WorkersStarting")
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReconciling, "")

		q := o.queue(ctx, "orders")
		Expect(q.Status.ObservedGeneration).To(Equal(q.Generation))
		Expect(q.Status.Channel).To(Equal("{" + o.namespace + ".orders}"))
		Expect([]int32{q.Status.Replicas, q.Status.ReadyReplicas, q.Status.DesiredReplicas}).To(Equal([]int32{2, 2, 2}))
		Expect(q.Status.Backlog).NotTo(BeNil())

		o.push(ctx, "orders", 1)
		Eventually(func() int64 { return o.queue(ctx, "orders").Status.Backlog.Waiting }).Should(Equal(int64(1)))
	})

	It("costs the API server nothing while it is at rest", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "fixed", reloading)
		o.create(ctx, "asleep", `spec: {autoscaling: {maxReplicas: 5, idleSeconds: 0}}`)
		o.awaitDeployment(ctx, "asleep", 0)
		o.playDeployment(ctx, "asleep")
		o.awaitCondition(ctx, "asleep", queuev1alpha1.ConditionReady, "True/ScaledToZero")
		o.awaitCondition(ctx, "fixed", queuev1alpha1.ConditionReady, "True/Consuming")

		quiet := func() int { return o.requests.count() }
		var n int
		Eventually(func() bool {
			before := n
			n = quiet()
			return n == before
		}).WithPolling(500 * time.Millisecond).Should(BeTrue())
		Consistently(func() []string { return o.requests.since(n) }).WithTimeout(3 * time.Second).Should(BeEmpty())
	})

	It("writes nothing after a restart of the operator", func(ctx SpecContext) {
		o := &operator{namespace: newNamespace(ctx), requests: &requestLog{}}
		o.redis = startRedis()
		fallback := connect.Default{URL: "redis://" + o.redis.Addr}
		stop := o.run(ctx, fallback)
		o.createReady(ctx, "orders", reloading)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionTimeoutReloadScheduled, "True/Scheduled")
		stop()

		again := &operator{namespace: o.namespace, requests: &requestLog{}}
		again.run(ctx, fallback)
		rdb := redis.NewClient(&redis.Options{Addr: o.redis.Addr, Protocol: 2})
		DeferCleanup(rdb.Close)
		Eventually(func() string { return rdb.ClientList(ctx).Val() }).Should(ContainSubstring("asyncqueue-poller")) // it has reconciled
		again.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		Consistently(again.requests.writes).Should(BeEmpty())
	})

	It("ends quietly with its namespace", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		Expect(k8sClient.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.namespace}})).To(Succeed())
		n := o.requests.count()
		Expect(k8sClient.Delete(ctx, o.deployment(ctx, "orders"))).To(Succeed())
		Eventually(func() []string { return o.requests.since(n) }).Should(ContainElement(HavePrefix("PATCH"))) // it tried
		Consistently(func() string { return o.condition(ctx, "orders", queuev1alpha1.ConditionReady) }).Should(Equal("True/Consuming"))
	})

	It("can be suspended and resumed", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", reloading)
		o.update(ctx, "orders", `spec: {suspend: true}`)
		o.awaitDeployment(ctx, "orders", 0)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/Draining")
		Eventually(func() bool { return *get(ctx, o, "orders-reload", &batchv1.CronJob{}).Spec.Suspend }).Should(BeTrue())
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionTimeoutReloadScheduled, "False/Suspended")
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Suspended")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionSuspended, "True/Suspended")

		o.update(ctx, "orders", `spec: {suspend: false}`)
		o.awaitDeployment(ctx, "orders", 1)
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionSuspended, "False/NotSuspended")
	})

	It("follows the backlog from zero and back", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", `spec: {autoscaling: {maxReplicas: 4, idleSeconds: 1}}`)
		By("starting with spec.replicas, then going to sleep")
		o.awaitDeployment(ctx, "orders", 1)
		o.awaitDeployment(ctx, "orders", 0)
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/ScaledToZero")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionScalingActive, "True/ScaledToZero")

		By("waking for one message")
		o.push(ctx, "orders", 1)
		o.awaitDeployment(ctx, "orders", 1)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionScalingActive, "True/Backlog")

		By("growing with the backlog, up to the maximum")
		o.push(ctx, "orders", 24)
		o.awaitDeployment(ctx, "orders", 3)
		o.push(ctx, "orders", 100)
		o.awaitDeployment(ctx, "orders", 4)

		By("shrinking when it is gone")
		key := o.queue(ctx, "orders").EffectiveChannel() + ":waiting"
		Expect(o.rdb.Del(ctx, key).Err()).To(Succeed())
		o.awaitDeployment(ctx, "orders", 0)
		Eventually(func() string { return o.queue(ctx, "orders").Status.LastScaleReason }).Should(HavePrefix("Idle: nothing to do for "))
		Expect(o.queue(ctx, "orders").Status.LastScaleTime).NotTo(BeNil())
	})

	It("tells of what changed in events, once", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		reasons := func() []string {
			var list eventsv1.EventList
			Expect(k8sClient.List(ctx, &list, client.InNamespace(o.namespace))).To(Succeed())
			var all []string
			for _, e := range list.Items {
				all = append(all, e.Reason)
			}
			return all
		}
		o.update(ctx, "orders", `spec: {replicas: 2}`)
		Eventually(reasons).Should(ConsistOf("Scaled"))
		o.playDeployment(ctx, "orders")
		o.redis.Stop()
		Eventually(reasons).Should(ConsistOf("Scaled", "RedisUnreachable"))
		Consistently(reasons).Should(ConsistOf("Scaled", "RedisUnreachable"))
	})
})
