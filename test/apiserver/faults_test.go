package apiserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
)

// fault is a way in which a request fails.
type fault func(next http.RoundTripper, r *http.Request) (*http.Response, error)

// faults are the ways in turn: refused before anything happened, and an answer
// that is lost after it did.
var faults = []fault{
	status(http.StatusInternalServerError, "InternalError"),
	status(http.StatusConflict, "Conflict"),
	status(http.StatusTooManyRequests, "TooManyRequests"),
	func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if response, err := next.RoundTrip(r); err == nil {
			_ = response.Body.Close()
		}
		return nil, errors.New("the answer is lost")
	},
}

func status(code int, reason metav1.StatusReason) fault {
	return func(_ http.RoundTripper, r *http.Request) (*http.Response, error) {
		body := fmt.Appendf(nil, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":"injected"}`, reason, code)
		return &http.Response{
			StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
		}, nil
	}
}

// saboteur makes requests fail.
type saboteur struct {
	mu sync.Mutex
	// picks says which requests fail.
	picks func(right string) bool
	// way is how they fail; nil: in turn.
	way  fault
	done int
	// isOld refuses what an older API server does not know: lists as streams.
	isOld bool
}

func (s *saboteur) pick(r *http.Request) fault {
	verb, resource := rightOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isOld && r.URL.Query().Has("sendInitialEvents") {
		return status(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	}
	if s.picks == nil || resource == "" || !s.picks(verb+" "+resource) {
		return nil
	}
	s.done++
	if s.way != nil {
		return s.way
	}
	return faults[s.done%len(faults)]
}

func (s *saboteur) set(picks func(right string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.picks = picks
}

func (s *saboteur) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

type faultyTripper struct {
	next http.RoundTripper
	by   *saboteur
}

func (t faultyTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if f := t.by.pick(r); f != nil {
		if r.Body != nil {
			defer func() { _ = r.Body.Close() }()
		}
		return f(t.next, r)
	}
	return t.next.RoundTrip(r)
}

// startSabotaged runs an operator whose requests s may spoil.
func startSabotaged(ctx SpecContext, s *saboteur) *operator {
	GinkgoHelper()
	o := &operator{namespace: newNamespace(ctx), requests: &requestLog{}, redis: startRedis(), saboteur: s}
	o.secret(ctx, "orders-redis", map[string]string{"uri": "redis://" + o.redis.Addr + "/0"})
	o.run(ctx, connect.Default{})
	return o
}

const sabotaged = `spec: {redis: {credentialsSecretRef: {name: orders-redis}}, timeoutReload: {schedule: "@hourly"}}`

// converges leads a queue through a life and checks that it ends as it should,
// with as many requests as that may take.
func converges(ctx SpecContext, o *operator, mostRequests int) {
	GinkgoHelper()
	o.update(ctx, "orders", `spec: {timeoutReload: null, replicas: 2}`)
	o.awaitDeployment(ctx, "orders", 2)
	Eventually(func() string { return get(ctx, o, "orders-reload", &batchv1.CronJob{}).Name }).WithTimeout(2 * testPatience).Should(BeEmpty())
	o.playDeployment(ctx, "orders")
	Eventually(func(g Gomega) {
		q := o.queue(ctx, "orders")
		g.Expect(q.Status.ObservedGeneration).To(Equal(q.Generation))
		g.Expect(o.condition(ctx, "orders", queuev1alpha1.ConditionReady)).To(Equal("True/Consuming"))
		g.Expect(o.condition(ctx, "orders", queuev1alpha1.ConditionStalled)).To(BeEmpty())
	}).WithTimeout(2 * testPatience).Should(Succeed())
	var deployments appsv1.DeploymentList
	Expect(k8sClient.List(ctx, &deployments, client.InNamespace(o.namespace))).To(Succeed())
	Expect(deployments.Items).To(HaveLen(1))
	Expect(o.requests.count()).To(BeNumerically("<", mostRequests), "requests:\n%v", o.requests.since(0))
}

var _ = Describe("Requests that fail", func() {
	DescribeTable("three times each delay the operator and no more",
		func(ctx SpecContext, right string) {
			s := &saboteur{isOld: strings.HasPrefix(right, "list ")}
			left := 3
			s.set(func(asked string) bool {
				if asked != right || left == 0 {
					return false
				}
				left--
				return true
			})
			o := startSabotaged(ctx, s)
			o.create(ctx, "orders", sabotaged)
			o.playDeployment(ctx, "orders")
			Eventually(func() string { return get(ctx, o, "orders-reload", &batchv1.CronJob{}).Name }).ShouldNot(BeEmpty())
			converges(ctx, o, 120)
			Expect(s.count()).To(BeNumerically(">", 0), "nothing was spoiled")
		},
		Entry(nil, "list queue.asyncqueue.dev/asyncqueues"),
		Entry(nil, "watch queue.asyncqueue.dev/asyncqueues"),
		Entry(nil, "list apps/deployments"),
		Entry(nil, "watch apps/deployments"),
		Entry(nil, "get apps/deployments"),
		Entry(nil, "patch apps/deployments"),
		Entry(nil, "list batch/cronjobs"),
		Entry(nil, "get batch/cronjobs"),
		Entry(nil, "patch batch/cronjobs"),
		Entry(nil, "delete batch/cronjobs"),
		Entry(nil, "get /secrets"),
		Entry(nil, "patch queue.asyncqueue.dev/asyncqueues/status"),
		Entry(nil, "create events.k8s.io/events"),
	)

	DescribeTable("with a conflict, every other one for good, delay the operator and no more",
		func(ctx SpecContext, rights ...string) {
			asked := map[string]int{}
			s := &saboteur{way: status(http.StatusConflict, metav1.StatusReasonConflict)}
			s.set(func(right string) bool {
				if !slices.Contains(rights, right) {
					return false
				}
				asked[right]++
				return asked[right]%2 == 1
			})
			o := startSabotaged(ctx, s)
			o.createReady(ctx, "orders", sabotaged)
			cronJob := func() *batchv1.CronJob { return get(ctx, o, "orders-reload", &batchv1.CronJob{}) }
			Eventually(func() string { return cronJob().Name }).ShouldNot(BeEmpty())

			By("removing what others put into the children")
			d := o.deployment(ctx, "orders")
			template := d.Spec.Template.DeepCopy()
			d.Spec.Template.Spec.NodeSelector = map[string]string{"pool": "other"}
			Expect(k8sClient.Update(ctx, d, client.FieldOwner("kubectl-edit"))).To(Succeed())
			c := cronJob()
			c.Spec.JobTemplate.Spec.Template.Spec.NodeSelector = map[string]string{"pool": "other"}
			Expect(k8sClient.Update(ctx, c, client.FieldOwner("kubectl-edit"))).To(Succeed())
			Eventually(func() corev1.PodTemplateSpec { return o.deployment(ctx, "orders").Spec.Template }).Should(Equal(*template))
			Eventually(func() map[string]string { return cronJob().Spec.JobTemplate.Spec.Template.Spec.NodeSelector }).Should(BeEmpty())

			By("scaling in past pods that have to be ranked anew")
			o.update(ctx, "orders", `spec: {replicas: 3}`)
			o.awaitDeployment(ctx, "orders", 3)
			for _, name := range []string{"once-busy", "idle"} {
				pod := workerPod(o.namespace, name)
				if name != "idle" {
					pod.Annotations = map[string]string{corev1.PodDeletionCost: "5"}
				}
				Expect(k8sClient.Create(ctx, pod)).To(Succeed())
			}
			converges(ctx, o, 150)
			Expect(get(ctx, o, "once-busy", &corev1.Pod{}).Annotations).To(HaveKeyWithValue(corev1.PodDeletionCost, "0"))
			Expect(s.count()).To(BeNumerically(">", 0), "nothing was spoiled")
		},
		Entry(nil, "patch apps/deployments"),
		Entry(nil, "patch batch/cronjobs"),
		Entry(nil, "delete batch/cronjobs"),
		Entry(nil, "patch queue.asyncqueue.dev/asyncqueues/status"),
		Entry(nil, "patch /pods"),
		Entry("all writes", "patch apps/deployments", "patch batch/cronjobs", "delete batch/cronjobs", "patch queue.asyncqueue.dev/asyncqueues/status", "patch /pods"),
	)

	It("one in three for a while, whatever they ask, leave the right state behind", func(ctx SpecContext) {
		s := &saboteur{}
		o := startSabotaged(ctx, s)
		s.set(func(string) bool { return rand.IntN(3) == 0 }) //nolint:gosec // any request will do
		o.create(ctx, "orders", sabotaged)
		for replicas := int32(3); replicas < 6 || s.count() <= 5; replicas++ {
			o.update(ctx, "orders", fmt.Sprintf(`spec: {replicas: %d}`, replicas))
			Eventually(func() int32 {
				return o.deployment(ctx, "orders").Status.ReadyReplicas + o.queue(ctx, "orders").Status.DesiredReplicas
			}).
				WithTimeout(3 * testPatience).Should(BeNumerically(">=", replicas))
		}
		s.set(nil)
		converges(ctx, o, 600)
	})

	It("all of them for a while cause no hot loop", func(ctx SpecContext) {
		s := &saboteur{}
		o := startSabotaged(ctx, s)
		o.createReady(ctx, "orders", sabotaged)
		s.set(func(string) bool { return true })
		o.update(ctx, "orders", `spec: {replicas: 4}`)
		Eventually(s.count).Should(BeNumerically(">", 3))
		Consistently(s.count).WithTimeout(5 * time.Second).Should(BeNumerically("<", 60))
		s.set(nil)
		o.awaitDeployment(ctx, "orders", 4)
		converges(ctx, o, 200)
	})
})
