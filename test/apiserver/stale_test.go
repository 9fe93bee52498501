package apiserver_test

import (
	"io"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
)

// What a cache is filled from.
const (
	queues      = "queue.asyncqueue.dev/asyncqueues"
	deployments = "apps/deployments"
	cronJobs    = "batch/cronjobs"
)

// past shows the operator the API server as it was: what it watches stands still,
// what it lists is old. What it writes, and single objects that it reads, are as
// they are.
type past struct {
	mu sync.Mutex
	// held is closed when a resource may go on.
	held map[string]chan struct{}
	// version is the resource version at which resources are listed that a cache is
	// filled with; empty: the newest.
	version string
}

// hold lets resources stand still as they are now.
func (p *past) hold(resources ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, resource := range resources {
		if p.held == nil {
			p.held = map[string]chan struct{}{}
		}
		if p.held[resource] == nil {
			p.held[resource] = make(chan struct{})
		}
	}
}

// release lets everything catch up.
func (p *past) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version = ""
	for resource, held := range p.held {
		close(held)
		delete(p.held, resource)
	}
}

func (p *past) at() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version
}

// holds returns what a held resource waits for, or nil.
func (p *past) holds(resource string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[resource]
}

// pastTripper lets the operator see p's past.
type pastTripper struct {
	next http.RoundTripper
	past *past
}

func (t pastTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	verb, resource := rightOf(r)
	query := r.URL.Query()
	version := t.past.at()
	switch {
	case query.Has("sendInitialEvents"): // lists alone can be had as they were
		return status(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)(t.next, r)
	case verb == "list" && version != "" && resource != "/pods":
		r = r.Clone(r.Context())
		query.Set("resourceVersion", version)
		query.Set("resourceVersionMatch", string(metav1.ResourceVersionMatchExact))
		r.URL.RawQuery = query.Encode()
	}
	response, err := t.next.RoundTrip(r)
	if err == nil && verb == "watch" {
		response.Body = &heldBody{ReadCloser: response.Body, past: t.past, resource: resource, closed: make(chan struct{})}
	}
	return response, err
}

// heldBody are the events of a watch.
type heldBody struct {
	io.ReadCloser
	past     *past
	resource string
	once     sync.Once
	closed   chan struct{}
}

// Read holds back what came while the resource stands still.
func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if held := b.past.holds(b.resource); held != nil {
		select {
		case <-held:
		case <-b.closed:
		}
	}
	return n, err
}

// Close ends the watch, and the wait of a Read.
func (b *heldBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.ReadCloser.Close()
}

// startInPast runs an operator that p may show the past.
func startInPast(ctx SpecContext, p *past) *operator {
	GinkgoHelper()
	o := &operator{namespace: newNamespace(ctx), requests: &requestLog{}, redis: startRedis(), past: p}
	o.rdb = redis.NewClient(&redis.Options{Addr: o.redis.Addr, Protocol: 2})
	DeferCleanup(o.rdb.Close)
	o.run(ctx, connect.Default{URL: "redis://" + o.redis.Addr})
	return o
}

var _ = Describe("An operator whose cache stands still", func() {
	const scaled = `spec: {autoscaling: {minReplicas: 1, maxReplicas: 9}, timeoutReload: {schedule: "@hourly"}}`
	cronJob := func(ctx SpecContext, o *operator) *batchv1.CronJob {
		GinkgoHelper()
		return get(ctx, o, "orders-reload", &batchv1.CronJob{})
	}
	begin := func(ctx SpecContext, p *past) *operator {
		GinkgoHelper()
		o := startInPast(ctx, p)
		o.createReady(ctx, "orders", scaled)
		Eventually(func() string { return cronJob(ctx, o).Name }).ShouldNot(BeEmpty())
		return o
	}
	// settles checks that a queue comes to rest with so many workers.
	settles := func(ctx SpecContext, o *operator, replicas int32) {
		GinkgoHelper()
		o.awaitDeployment(ctx, "orders", replicas)
		o.playDeployment(ctx, "orders")
		Eventually(func(g Gomega) {
			q := o.queue(ctx, "orders")
			g.Expect(q.Status.ObservedGeneration).To(Equal(q.Generation))
			g.Expect(q.Status.DesiredReplicas).To(Equal(replicas))
			g.Expect(q.Status.ReadyReplicas).To(Equal(replicas))
			g.Expect(o.condition(ctx, "orders", queuev1alpha1.ConditionReady)).To(Equal("True/Consuming"))
		}).Should(Succeed())
		Eventually(o.children(ctx)).Should(ConsistOf("orders-worker", "orders-reload"))
	}

	DescribeTable("acts on what it did, whatever stands still", func(ctx SpecContext, still ...string) {
		p := &past{}
		o := begin(ctx, p)
		channel := o.queue(ctx, "orders").EffectiveChannel()
		before, writes := o.deployment(ctx, "orders").Generation, len(o.requests.writes())
		o.pushTo(ctx, channel, 9)
		p.hold(still...)

		By("growing step by step")
		for size := int32(2); size <= 5; size++ {
			o.pushTo(ctx, channel, 10)
			o.awaitDeployment(ctx, "orders", size)
			o.playDeployment(ctx, "orders")
		}
		Expect(o.deployment(ctx, "orders").Generation).To(Equal(before+4), "every step up, none down")

		By("shrinking")
		Expect(o.rdb.Del(ctx, channel+":waiting").Err()).To(Succeed())
		o.awaitDeployment(ctx, "orders", 1)
		o.pushTo(ctx, channel, 1)
		o.playDeployment(ctx, "orders")
		Consistently(func() int64 { return o.deployment(ctx, "orders").Generation }).WithTimeout(time.Second).Should(Equal(before + 5))
		Expect(len(o.requests.writes())).To(BeNumerically("<", writes+40), "%v", o.requests.writes()[writes:])

		By("catching up")
		o.update(ctx, "orders", `spec: {timeoutReload: {schedule: "@daily"}}`)
		p.release()
		Eventually(func() string { return cronJob(ctx, o).Spec.Schedule }).Should(Equal("@daily"))
		settles(ctx, o, 1)
		Expect(o.deployment(ctx, "orders").Generation).To(Equal(before+5), "the past brought nothing back")
	},
		Entry("its queues", queues),
		Entry("its Deployments", deployments),
		Entry("its CronJobs", cronJobs),
		Entry("all of it", queues, deployments, cronJobs),
	)

	It("does not insist on children that are gone, and makes each anew once", func(ctx SpecContext) {
		p := &past{}
		o := begin(ctx, p)
		before, reload := o.deployment(ctx, "orders"), cronJob(ctx, o)
		p.hold(deployments, cronJobs)
		Expect(k8sClient.Delete(ctx, before)).To(Succeed())
		Expect(k8sClient.Delete(ctx, reload)).To(Succeed())
		writes := len(o.requests.writes())
		o.update(ctx, "orders", `spec: {timeoutReload: {schedule: "@daily"}}`)
		o.push(ctx, "orders", 35)
		Eventually(func() int { return len(o.requests.writes()) }).Should(BeNumerically(">", writes+1), "it tries")
		Consistently(func() int { return len(o.requests.writes()) }).WithTimeout(3*time.Second).Should(BeNumerically("<", writes+30), "without haste")

		p.release()
		settles(ctx, o, 4)
		after := o.deployment(ctx, "orders")
		Expect(after.UID).NotTo(Equal(before.UID))
		Expect(after.Generation).To(Equal(int64(1)), "it was made with the right size")
		Expect(cronJob(ctx, o).Spec.Schedule).To(Equal("@daily"))
	})

	It("removes a CronJob that its cache does not show, or shows no longer", func(ctx SpecContext) {
		p := &past{}
		o := startInPast(ctx, p)
		p.hold(cronJobs)
		o.createReady(ctx, "orders", scaled)
		Eventually(func() string { return cronJob(ctx, o).Name }).ShouldNot(BeEmpty())
		o.update(ctx, "orders", `spec: {timeoutReload: null}`)
		o.push(ctx, "orders", 15)
		o.awaitDeployment(ctx, "orders", 2)
		p.release()
		Eventually(func() string { return cronJob(ctx, o).Name }).Should(BeEmpty())

		o.update(ctx, "orders", `spec: {timeoutReload: {schedule: "@hourly"}}`)
		Eventually(func() string { return cronJob(ctx, o).Name }).ShouldNot(BeEmpty())
		settles(ctx, o, 2)
	})

	It("takes a queue that was made anew for the old one no longer than that", func(ctx SpecContext) {
		p := &past{}
		o := begin(ctx, p)
		o.push(ctx, "orders", 35)
		former := o.awaitDeployment(ctx, "orders", 4)
		p.hold(queues)
		Expect(k8sClient.Delete(ctx, o.queue(ctx, "orders"))).To(Succeed())
		q := o.create(ctx, "orders", `spec: {replicas: 2, timeoutReload: {schedule: "@daily"}}`)
		writes := len(o.requests.writes())
		o.playDeployment(ctx, "orders")
		Consistently(func() int { return len(o.requests.writes()) }).Should(BeNumerically("<", writes+20))

		p.release()
		for _, child := range []client.Object{former, cronJob(ctx, o)} { // no garbage collector runs here
			Expect(k8sClient.Delete(ctx, child)).To(Succeed())
		}
		Eventually(func() bool { return metav1.IsControlledBy(o.deployment(ctx, "orders"), q) }).Should(BeTrue())
		settles(ctx, o, 2)
	})

	DescribeTable("from before it started scales nothing in", func(ctx SpecContext, hasRedis bool) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", `spec: {autoscaling: {minReplicas: 1, maxReplicas: 9, behavior: {scaleDown: {stabilizationWindowSeconds: 3600}}}}`)
		channel := o.queue(ctx, "orders").EffectiveChannel()
		var then appsv1.DeploymentList
		Expect(k8sClient.List(ctx, &then, client.InNamespace(o.namespace))).To(Succeed())
		o.pushTo(ctx, channel, 50)
		before := o.awaitDeployment(ctx, "orders", 5)
		o.playDeployment(ctx, "orders")
		Eventually(func() int32 { return o.queue(ctx, "orders").Status.ReadyReplicas }).Should(Equal(int32(5)))
		o.stop()

		Expect(o.rdb.LTrim(ctx, channel+":waiting", 0, 24).Err()).To(Succeed())
		if !hasRedis {
			o.redis.Stop()
		}
		next := &operator{namespace: o.namespace, requests: &requestLog{}, redis: o.redis, past: &past{version: then.ResourceVersion}}
		next.past.hold(queues, deployments, cronJobs)
		next.run(ctx, connect.Default{URL: "redis://" + o.redis.Addr})
		Eventually(next.requests.writes).ShouldNot(BeEmpty(), "it acts")
		Consistently(func() int64 { return o.deployment(ctx, "orders").Generation }).Should(Equal(before.Generation))
		next.past.release()
		Consistently(func() int64 { return o.deployment(ctx, "orders").Generation }).Should(Equal(before.Generation))
		Eventually(func() int32 { return o.queue(ctx, "orders").Status.DesiredReplicas }).Should(Equal(int32(5)))
	},
		Entry("where the backlog would", true),
		Entry("where nobody knows the backlog", false),
	)
})
