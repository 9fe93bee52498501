package e2e_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// expectOneLife expects that a queue still has the one container that it had: whatever became of the process in it,
// the container did not end.
func expectOneLife(ctx context.Context, namespace, name string, before *corev1.Pod) {
	GinkgoHelper()
	readyPods(ctx, namespace, name, 1)
	after := pods(ctx, namespace, name)[0]
	Expect(after.Name).To(Equal(before.Name))
	Expect(after.Status.ContainerStatuses[0].RestartCount).To(BeZero())
	Expect(after.Status.ContainerStatuses[0].ContainerID).To(Equal(before.Status.ContainerStatuses[0].ContainerID))
}

var _ = Describe("Recycling", func() {
	It("replaces the process after maxMessages, in the same container, and loses nothing", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const channel = "{recycled}"
		forget(ctx, shared, channel)
		DeferCleanup(forget, shared, channel)
		apply(ctx, namespace, jobQueue("recycled", channel, "  concurrency: 4\n  maxMessages: 10"))
		readyPods(ctx, namespace, "recycled", 1)
		pod := pods(ctx, namespace, "recycled")[0]

		push(ctx, channel, 60, "--type", "demo.job", "--data", `{"seconds": 0.2}`)
		Eventually(func() string { return states(counts(ctx, shared, channel)) }).WithContext(ctx).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))

		said := logs(ctx, namespace, "recycled")
		Expect(strings.Count(said, "DemoJob start.")).To(Equal(60))
		Expect(strings.Count(said, "DemoJob end.")).To(Equal(60))
		// A life ends with what it has in hand: at most 10 + 3 messages.
		Expect(strings.Count(said, `"Starting."`)).To(BeNumerically(">=", 5), said)
		Expect(redelivered(ctx, shared, channel)).To(BeZero())
		expectOneLife(ctx, namespace, "recycled", &pod)
	})

	It("replaces the process before its memory is full, in the same container, and loses nothing", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const channel = "{leaky}"
		forget(ctx, shared, channel)
		DeferCleanup(forget, shared, channel)
		apply(ctx, namespace, jobQueueWith("leaky", channel, `  concurrency: 1
  maxMemoryPercent: 40
  template:
    spec:
      containers:
        - name: worker
          image: asyncqueue/demojob:dev
          resources: {requests: {memory: 32Mi}, limits: {memory: 256Mi}}
`))
		readyPods(ctx, namespace, "leaky", 1)
		pod := pods(ctx, namespace, "leaky")[0]

		By("leaking 288 MiB, more than the limit, and 120 MiB from one look at the memory to the next")
		push(ctx, channel, 24, "--rate", "2", "--type", "demo.leak", "--data", `{"mebibytes": 12}`)
		Eventually(func() string { return states(counts(ctx, shared, channel)) }).WithContext(ctx).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))

		said := logs(ctx, namespace, "leaky")
		Expect(said).To(ContainSubstring("Recycling: the container's memory is nearly full."))
		Expect(redelivered(ctx, shared, channel)).To(BeZero())
		expectOneLife(ctx, namespace, "leaky", &pod)
	})
})
