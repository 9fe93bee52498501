package apiserver_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/queue"
)

// die takes a message with a worker that is never heard of again.
func (o *operator) die(ctx SpecContext, channel string) {
	GinkgoHelper()
	q, err := queue.New(o.rdb, channel)
	Expect(err).NotTo(HaveOccurred())
	worker, err := q.NewConsumer(queue.ConsumerConfig{ID: "dead", HandleTimeout: time.Hour})
	Expect(err).NotTo(HaveOccurred())
	Expect(worker.Register(ctx)).To(Succeed())
	Expect(q.Push(ctx, []byte("held"))).To(Succeed())
	answer, err := worker.Exchange(ctx, nil, 1)
	Expect(err).NotTo(HaveOccurred())
	Expect(answer.Runs).To(HaveLen(1))
}

var _ = Describe("A channel", func() {
	It("gets back what a dead worker held, where no worker lives", func(ctx SpecContext) {
		o := startOperator(ctx)
		for name, change := range map[string]string{
			"suspended": `spec: {channel: suspended, suspend: true, timeoutReload: {schedule: "@yearly"}}`,
			"asleep":    `spec: {channel: asleep, replicas: 0, timeoutReload: {schedule: "@yearly", onWorkerLoss: OnSchedule}}`,
			"parked":    `spec: {channel: parked, replicas: 0}`,
		} {
			o.create(ctx, name, change)
			o.awaitCondition(ctx, name, queuev1alpha1.ConditionQueueReachable, "True/Reachable")
			o.die(ctx, name)
		}
		began := time.Now()
		for key, want := range map[string]int64{"suspended:waiting": 1, "asleep:timeout": 1, "parked:timeout": 1} {
			Eventually(func() int64 { return o.rdb.LLen(ctx, key).Val() }).WithTimeout(40*time.Second).Should(Equal(want), key)
		}
		GinkgoWriter.Printf("found after %v\n", time.Since(began).Round(100*time.Millisecond))
		for _, channel := range []string{"suspended", "asleep", "parked"} {
			Expect(o.rdb.ZCard(ctx, channel+":reserved").Val()).To(BeZero(), channel)
		}
	})

	It("is closed to producers and opened again, through a restart of the operator", func(ctx SpecContext) {
		o := &operator{namespace: newNamespace(ctx), requests: &requestLog{}, redis: startRedis()}
		o.rdb = redis.NewClient(&redis.Options{Addr: o.redis.Addr, Protocol: 2})
		DeferCleanup(o.rdb.Close)
		fallback := connect.Default{URL: "redis://" + o.redis.Addr}
		stop := o.run(ctx, fallback)
		gate := func(key string) func() string { return func() string { return o.rdb.Get(ctx, key).Val() } }

		o.createReady(ctx, "orders", `spec: {intake: {state: Closed}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionIntakeClosed, "True/Closed")
		Expect(gate("c:IS_PUSH_orders")()).To(Equal("b:0;"))
		Expect(o.rdb.TTL(ctx, "c:IS_PUSH_orders").Val()).To(BeNumerically("~", 10*time.Minute, time.Minute))

		By("restarting the operator, while somebody opens the gate by hand")
		stop()
		Expect(o.rdb.Del(ctx, "c:IS_PUSH_orders").Err()).To(Succeed())
		writes := len(o.requests.writes())
		o.run(ctx, fallback)
		Eventually(gate("c:IS_PUSH_orders")).Should(Equal("b:0;"))
		Consistently(func() []string { return o.requests.writes()[writes:] }).Should(BeEmpty())

		By("naming another key: the old one expires")
		o.update(ctx, "orders", `spec: {intake: {key: "shop:IS_PUSH_orders"}}`)
		Eventually(gate("shop:IS_PUSH_orders")).Should(Equal("b:0;"))
		Expect(o.rdb.TTL(ctx, "c:IS_PUSH_orders").Val()).To(BeNumerically(">", 0))

		By("opening it")
		o.update(ctx, "orders", `spec: {intake: {state: Open}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionIntakeClosed, "False/Open")
		Expect(gate("shop:IS_PUSH_orders")()).To(BeEmpty())

		By("leaving it alone")
		o.update(ctx, "orders", `spec: {intake: null}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionIntakeClosed, "")
	})

	It("shows that Hyperf's consumers are there, and that an unknown AsyncQueue's workers are not yet told of", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", `spec: {channel: orders}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionForeignConsumers, "False/NoForeignReservations")
		deadline := float64(time.Now().Add(time.Hour).Unix())
		Expect(o.rdb.ZAdd(ctx, "orders:reserved", redis.Z{Score: deadline, Member: "Hyperf's"}).Err()).To(Succeed())
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionForeignConsumers, "True/ForeignReservations")
		Expect(o.rdb.ZRem(ctx, "orders:reserved", "Hyperf's").Err()).To(Succeed())
		Expect(o.condition(ctx, "orders", queuev1alpha1.ConditionReady)).To(Equal("True/Consuming"))

		q, err := queue.New(o.rdb, "orders")
		Expect(err).NotTo(HaveOccurred())
		stranger, err := q.NewConsumer(queue.ConsumerConfig{ID: "w", Owner: "unknown-uid", HandleTimeout: time.Minute})
		Expect(err).NotTo(HaveOccurred())
		Expect(stranger.Register(ctx)).To(Succeed())
		Consistently(func() string { return o.condition(ctx, "orders", queuev1alpha1.ConditionForeignConsumers) }).Should(Equal("True/ForeignReservations"))
		Expect(o.condition(ctx, "orders", queuev1alpha1.ConditionChannelConflict)).To(Equal("False/SoleOwner"))
	})
})
