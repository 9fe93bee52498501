package apiserver_test

import (
	"context"
	"io"
	"net"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/queue"
)

var _ = Describe("A queue in trouble", func() {
	It("starts nothing where an older queue uses its channel, and takes over when that goes", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "elder", `spec: {channel: shared}`)
		o.awaitNextSecond(ctx, "elder")
		host, port, err := net.SplitHostPort(o.redis.Addr)
		Expect(err).NotTo(HaveOccurred())
		o.create(ctx, "younger", `spec: {channel: shared, redis: {addresses: ["`+net.JoinHostPort(host, port)+`"]}, timeoutReload: {schedule: "@hourly"}}`)
		o.awaitCondition(ctx, "younger", queuev1alpha1.ConditionStalled, "True/ChannelConflict")
		o.awaitCondition(ctx, "younger", queuev1alpha1.ConditionChannelConflict, "True/ChannelConflict")
		Consistently(func() string { return o.deployment(ctx, "younger").Name }).Should(BeEmpty())
		Expect(o.condition(ctx, "elder", queuev1alpha1.ConditionReady)).To(Equal("True/Consuming"))

		Expect(k8sClient.Delete(ctx, o.queue(ctx, "elder"))).To(Succeed())
		o.playDeployment(ctx, "younger")
		o.awaitCondition(ctx, "younger", queuev1alpha1.ConditionReady, "True/Consuming")
		o.awaitCondition(ctx, "younger", queuev1alpha1.ConditionChannelConflict, "False/SoleOwner")
	})

	It("finds an older queue on its channel behind another address", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "elder", `spec: {channel: shared}`)
		o.awaitNextSecond(ctx, "elder")
		address := freeAddress(ctx)
		forward(ctx, address, o.redis.Addr)
		o.createReady(ctx, "younger", `spec: {channel: shared, redis: {addresses: ["`+address+`"]}}`)

		q, err := queue.New(o.rdb, "shared")
		Expect(err).NotTo(HaveOccurred())
		worker, err := q.NewConsumer(queue.ConsumerConfig{ID: "w", Owner: string(o.queue(ctx, "elder").UID), HandleTimeout: time.Minute})
		Expect(err).NotTo(HaveOccurred())
		Expect(worker.Register(ctx)).To(Succeed())
		o.awaitCondition(ctx, "younger", queuev1alpha1.ConditionStalled, "True/ChannelConflict")
		Eventually(func() string { return o.deployment(ctx, "younger").Name }).Should(BeEmpty())
		Expect(o.condition(ctx, "elder", queuev1alpha1.ConditionReady)).To(Equal("True/Consuming"))
	})

	It("may share a channel's name on another database", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "one", `spec: {channel: shared}`)
		o.createReady(ctx, "two", `spec: {channel: shared, redis: {addresses: ["`+o.redis.Addr+`"], database: 1}}`)
		Expect(o.condition(ctx, "two", queuev1alpha1.ConditionChannelConflict)).To(Equal("False/SoleOwner"))
	})

	It("waits for a Secret, then for its key, then for the right password", func(ctx SpecContext) {
		o := startOperator(ctx)
		guarded := startRedis("--requirepass", "open sesame")
		o.create(ctx, "orders", `spec: {redis: {addresses: ["`+guarded.Addr+`"], credentialsSecretRef: {name: orders-redis}}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionQueueReachable, "False/SecretNotFound")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/SecretNotFound")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReconciling, "True/SecretNotFound")

		o.secret(ctx, "orders-redis", map[string]string{"pass": "open sesame"})
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionQueueReachable, "False/SecretKeyMissing")

		o.secret(ctx, "orders-redis", map[string]string{"password": "wrong"})
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionQueueReachable, "False/RedisAuthenticationFailed")

		o.secret(ctx, "orders-redis", map[string]string{"password": "open sesame"})
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionQueueReachable, "True/Reachable")
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
	})

	It("is stalled without a hash tag on a cluster that only a Secret names, until that names another Redis", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.secret(ctx, "orders-redis", map[string]string{"uri": "redis-cluster://" + o.redis.Addr})
		o.create(ctx, "orders", `spec: {channel: redis-queue, redis: {credentialsSecretRef: {name: orders-redis}}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "True/HashTagMissing")
		Expect(o.deployment(ctx, "orders").Name).To(BeEmpty())

		o.secret(ctx, "orders-redis", map[string]string{"uri": "redis://" + o.redis.Addr})
		o.ahead.Store(int64(connect.Calm))
		o.update(ctx, "orders", `spec: {concurrency: 11}`) // any event: the reconcile looks at the Secret again
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "")
	})

	It("rolls its workers when a Secret is rotated, and shows nothing of it", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.secret(ctx, "orders-redis", map[string]string{"uri": "redis://:ignored-secret@" + o.redis.Addr + "/0"})
		Expect(o.rdb.ConfigSet(ctx, "requirepass", "ignored-secret").Err()).To(Succeed())
		o.createReady(ctx, "orders", `spec: {redis: {credentialsSecretRef: {name: orders-redis}}}`)
		digest := func() string { return o.deployment(ctx, "orders").Spec.Template.Annotations[desired.AnnotationSecrets] }
		before := digest()
		Expect(before).NotTo(BeEmpty())
		Expect(o.deployment(ctx, "orders").String()).NotTo(ContainSubstring("ignored-secret"))

		o.secret(ctx, "orders-redis", map[string]string{"uri": "redis://default:ignored-secret@" + o.redis.Addr + "/0"})
		o.ahead.Store(int64(connect.Calm))
		o.playDeployment(ctx, "orders") // any event: the reconcile looks at the Secret again
		o.update(ctx, "orders", `spec: {concurrency: 11}`)
		Eventually(digest).ShouldNot(Equal(before))
	})

	It("holds its workers while Redis is away, and goes on when it is back", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", `spec: {autoscaling: {maxReplicas: 5, idleSeconds: 0, queueLength: {target: 1}}}`)
		o.awaitDeployment(ctx, "orders", 0)
		o.push(ctx, "orders", 3)
		o.awaitDeployment(ctx, "orders", 3)

		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")

		By("freezing Redis")
		Expect(o.redis.Signal(syscall.SIGSTOP)).To(Succeed())
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionQueueReachable, "False/RedisUnreachable")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/RedisUnreachable")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReconciling, "True/RedisUnreachable")
		Expect(o.condition(ctx, "orders", queuev1alpha1.ConditionStalled)).To(BeEmpty())
		Consistently(func() int32 { return *o.deployment(ctx, "orders").Spec.Replicas }).Should(Equal(int32(3)))

		By("letting it go on")
		Expect(o.redis.Signal(syscall.SIGCONT)).To(Succeed())
		back := time.Now()
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		Expect(time.Since(back)).To(BeNumerically("<", 5*time.Second))
	})

	It("sees a Redis that comes up later", func(ctx SpecContext) {
		o := startOperator(ctx)
		address := freeAddress(ctx)
		o.create(ctx, "orders", `spec: {redis: {addresses: ["`+address+`"]}}`)
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/RedisUnreachable")
		Expect(o.queue(ctx, "orders").Status.Conditions).To(ContainElement(HaveField("Message", "Redis at "+address+" does not answer: connection refused")))
		forward(ctx, address, o.redis.Addr)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
	})

	It("says that a Redis is missing where there is no default", func(ctx SpecContext) {
		o := &operator{namespace: newNamespace(ctx), requests: &requestLog{}}
		o.run(ctx, connect.Default{})
		o.create(ctx, "orders", "")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "True/NoRedis")
		Expect(o.deployment(ctx, "orders").Name).To(BeEmpty())
	})

	It("says what the API server has against its template, and heals", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", `spec: {template: {spec: {containers: [{name: worker, volumeMounts: [{name: nowhere, mountPath: /data}]}]}}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "True/InvalidPodTemplate")
		q := o.queue(ctx, "orders")
		Expect(q.Status.Conditions).To(ContainElement(HaveField("Message", ContainSubstring("nowhere"))))

		o.update(ctx, "orders", `spec: {template: null}`)
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "")
	})

	It("keeps its workers where only the CronJob is refused", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", `spec: {timeoutReload: {schedule: "@hourly", timeZone: Mars/Olympus}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "True/InvalidSchedule")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionTimeoutReloadScheduled, "False/InvalidSchedule")
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionWorkersAvailable, "True/Consuming")

		o.update(ctx, "orders", `spec: {timeoutReload: {timeZone: Europe/Berlin}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
	})

	It("says why pods are refused", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		o.playStatus(ctx, "orders", func(d *appsv1.Deployment) {
			d.Status.ReadyReplicas, d.Status.AvailableReplicas = 0, 0
			d.Status.Conditions = []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "violates PodSecurity",
			}}
		})
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionWorkersAvailable, "False/WorkersFailing")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/WorkersFailing")
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
	})

	It("says that an image cannot be pulled", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", "")
		d := o.awaitDeployment(ctx, "orders", 1)
		pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
		pod.Namespace, pod.Name = o.namespace, "orders-worker-x"
		Expect(k8sClient.Create(ctx, pod)).To(Succeed())
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "worker", Image: "example.com/none:1",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off 20s"}},
		}}
		Expect(k8sClient.Status().Update(ctx, pod)).To(Succeed())
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionWorkersAvailable, "False/WorkersFailing")
		Expect(o.queue(ctx, "orders").Status.Conditions).To(ContainElement(HaveField("Message", "container worker: the image example.com/none:1 cannot be pulled")))
		Expect(k8sClient.Delete(ctx, pod, client.GracePeriodSeconds(0))).To(Succeed())
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
	})
})

// freeAddress is one on which nobody listens.
func freeAddress(ctx SpecContext) string {
	GinkgoHelper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	Expect(listener.Close()).To(Succeed())
	return listener.Addr().String()
}

// forward lets a server be reached at another address too, from now on.
func forward(ctx SpecContext, address, server string) {
	GinkgoHelper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(listener.Close)
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", server)
			if err != nil {
				_ = from.Close()
				continue
			}
			go pass(from, to)
			go pass(to, from)
		}
	}()
}

func pass(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}
