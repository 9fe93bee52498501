package e2e_test

import (
	"context"
	"maps"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/asyncqueue/operator/queue"
)

// busyPods are the names of the pods whose workers say that they have a message in hand, sorted.
func busyPods(ctx context.Context, channel string) []string {
	GinkgoHelper()
	q, err := queue.New(shared, channel)
	Expect(err).NotTo(HaveOccurred())
	beats, err := q.Workers(ctx)
	Expect(err).NotTo(HaveOccurred())
	var names []string
	for _, b := range beats {
		if b.Load.Running > 0 {
			names = append(names, b.Pod)
		}
	}
	slices.Sort(names)
	return names
}

// podNames are the names of a queue's pods that are not on their way out, sorted.
func podNames(ctx context.Context, namespace, name string) []string {
	GinkgoHelper()
	var names []string
	for _, pod := range pods(ctx, namespace, name) {
		names = append(names, pod.Name)
	}
	slices.Sort(names)
	return names
}

// podLogs keeps what pods have logged. A pod that is gone keeps what it had logged when it was last read.
type podLogs map[string]string

func (l podLogs) read(ctx context.Context, namespace string, pods []string) string {
	for _, pod := range pods {
		if out, err := kubectl(ctx, "", "logs", "-n", namespace, "--tail=-1", pod); err == nil {
			l[pod] = out
		}
	}
	return strings.Join(slices.Collect(maps.Values(l)), "\n")
}

var _ = Describe("A scale-in", func() {
	It("takes the idle pods, keeps those with long jobs, and repeats no message", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const channel = "{long}"
		forget(ctx, shared, channel)
		DeferCleanup(forget, shared, channel)
		apply(ctx, namespace, jobQueue("long", channel, "  concurrency: 1\n  replicas: 0\n  timeouts: {handleSeconds: 120}\n"+
			"  autoscaling: {maxReplicas: 6, queueLength: {target: 1}, idleSeconds: 5}"))
		eventuallyCondition(ctx, namespace, "long", "Ready", "True/ScaledToZero")

		By("giving three workers a long job and three a short one")
		push(ctx, channel, 3, "--type", "demo.job", "--data", `{"seconds": 50}`)
		push(ctx, channel, 3, "--type", "demo.job", "--data", `{"seconds": 8}`)
		readyPods(ctx, namespace, "long", 6)
		Eventually(func() []string { return busyPods(ctx, channel) }).WithContext(ctx).Should(HaveLen(6))
		Eventually(func() []string { return busyPods(ctx, channel) }).WithContext(ctx).Should(HaveLen(3))
		busy := busyPods(ctx, channel)

		By("scaling in: the three that are busy stay")
		Eventually(func() []string { return podNames(ctx, namespace, "long") }).WithContext(ctx).Should(HaveLen(3))
		Expect(podNames(ctx, namespace, "long")).To(Equal(busy))
		Expect(busyPods(ctx, channel)).To(Equal(busy), "the long jobs must still run, or the spec shows nothing")

		By("finishing them: nothing was lost, nothing ran twice")
		text, logged := "", podLogs{}
		Eventually(func() int {
			text = logged.read(ctx, namespace, busy)
			return strings.Count(text, "DemoJob end.")
		}).WithContext(ctx).WithTimeout(longTimeout).Should(Equal(3))
		Expect(strings.Count(text, "DemoJob start.")).To(Equal(3))
		Eventually(func() string { return states(counts(ctx, shared, channel)) }).WithContext(ctx).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))
		Expect(redelivered(ctx, shared, channel)).To(BeZero())
		readyPods(ctx, namespace, "long", 0)
	})
})
