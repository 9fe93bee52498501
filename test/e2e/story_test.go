package e2e_test

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The story that `make demo` tells, with each of its claims checked.
var _ = Describe("The story of the demo", Ordered, func() {
	var namespace string
	channels := []string{"{queue}", "redis-queue", "lock-queue", "{autoscaled}"}

	BeforeAll(func(ctx SpecContext) {
		for _, channel := range channels {
			forget(ctx, shared, channel)
			DeferCleanup(forget, shared, channel)
		}
		namespace = newNamespace(ctx)
	})

	It("makes the seed's three queues and an autoscaled fourth ready", func(ctx SpecContext) {
		begin := time.Now()
		out, err := kubectl(ctx, "", "apply", "-n", namespace, "-k", filepath.Join(root, "config", "samples"))
		Expect(err).NotTo(HaveOccurred(), out)
		out, err = kubectl(ctx, "", "wait", "-n", namespace, "--for=condition=Ready", "aq", "--all", "--timeout=150s")
		Expect(err).NotTo(HaveOccurred(), out)
		AddReportEntry("apply to Ready=True of all four samples", time.Since(begin).Round(10*time.Millisecond))

		readyPods(ctx, namespace, "default", 1)
		readyPods(ctx, namespace, "normal", 10)
		readyPods(ctx, namespace, "lock", 1)
		readyPods(ctx, namespace, "autoscaled", 0)
	})

	It("tells in kubectl how the queues are doing", func(ctx SpecContext) {
		out, err := kubectl(ctx, "", "get", "-n", namespace, "aq", "-o", "wide")
		Expect(err).NotTo(HaveOccurred(), out)
		for _, column := range []string{"CHANNEL", "DESIRED", "WORKERS", "WAITING", "READY", "DELAYED", "RESERVED", "TIMEOUT", "FAILED", "AGE"} {
			Expect(out).To(ContainSubstring(column))
		}
		Expect(out).To(MatchRegexp(`normal +redis-queue +10 +10 +0 +True`))
	})

	It("scales a burst of 500 out from zero, drains it without a loss, and scales in again", func(ctx SpecContext) {
		begin := time.Now()
		push(ctx, "{autoscaled}", 250, "--hyperf-class", `App\Job\DemoJob`, "--param", "seconds=1")
		push(ctx, "{autoscaled}", 250, "--type", "demo.job", "--data", `{"seconds": 1}`)
		pushed := time.Now()

		Eventually(func() int32 { return desired(ctx, namespace, "autoscaled") }).WithContext(ctx).Should(BeNumerically(">", 0))
		AddReportEntry("burst of 500: replicas raised after", time.Since(begin).Round(10*time.Millisecond))
		Eventually(func() int32 { return desired(ctx, namespace, "autoscaled") }).WithContext(ctx).Should(Equal(int32(10)))
		AddReportEntry("burst of 500: replicas at their maximum after", time.Since(begin).Round(10*time.Millisecond))
		Eventually(func() int32 { return deployment(ctx, namespace, "autoscaled").Status.ReadyReplicas }).
			WithContext(ctx).Should(BeNumerically(">", 0))
		AddReportEntry("burst of 500: first pod Ready after", time.Since(begin).Round(10*time.Millisecond))

		Eventually(func() string { return states(counts(ctx, shared, "{autoscaled}")) }).WithContext(ctx).WithTimeout(longTimeout).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))
		AddReportEntry("burst of 500: drained after", time.Since(begin).Round(10*time.Millisecond))
		AddReportEntry("pushing took", pushed.Sub(begin).Round(10*time.Millisecond))

		readyPods(ctx, namespace, "autoscaled", 0)
		AddReportEntry("burst of 500: scaled in to zero after", time.Since(begin).Round(10*time.Millisecond))
		eventuallyCondition(ctx, namespace, "autoscaled", "Ready", "True/ScaledToZero")
		out, err := kubectl(ctx, "", "get", "events", "-n", namespace, "--field-selector", "involvedObject.name=autoscaled")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(ContainSubstring("per replica"), "the event of the scaling gives its arithmetic")
	})

	It("lets a message outlive its handle timeout, reloads it, and gives it up after maxReloads", func(ctx SpecContext) {
		worker(ctx, "push", "--redis", "redis://"+hostIP+":6390", "--channel", "{autoscaled}",
			"--hyperf-class", `App\Job\DemoJob`, "--param", "seconds=16")
		at := func(want string) {
			GinkgoHelper()
			Eventually(func() string { return states(counts(ctx, shared, "{autoscaled}")) }).
				WithContext(ctx).WithTimeout(longTimeout).Should(Equal(want))
		}

		By("standing in `timeout` while its handler goes on")
		at("waiting 0, delayed 0, reserved 0, timeout 1, failed 0")
		Expect(pods(ctx, namespace, "autoscaled")).NotTo(BeEmpty(), "a late run keeps its worker")

		By("logging the end of its run")
		Eventually(func() string { return logs(ctx, namespace, "autoscaled") }).WithContext(ctx).
			Should(ContainSubstring("DemoJob end."))

		By("being put back by the CronJob, as often as maxReloads allows, and outliving its handle timeout again")
		Eventually(func() int64 { return redelivered(ctx, shared, "{autoscaled}") }).
			WithContext(ctx).WithTimeout(longTimeout).Should(Equal(int64(1)))
		at("waiting 0, delayed 0, reserved 0, timeout 1, failed 0")

		By("being given up by the CronJob's next run")
		at("waiting 0, delayed 0, reserved 0, timeout 0, failed 1")
		reasons, err := shared.LRange(ctx, "{autoscaled}:reasons", 0, -1).Result()
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Join(reasons, "\n")).To(ContainSubstring("poison"))
	})

	It("holds what the README's tour says", func(ctx SpecContext) {
		takeTour(ctx, namespace)
	})
})

// desired is the number of replicas that a queue's Deployment asks for.
func desired(ctx context.Context, namespace, name string) int32 {
	GinkgoHelper()
	d := deployment(ctx, namespace, name)
	if d == nil || d.Spec.Replicas == nil {
		return 0
	}
	return *d.Spec.Replicas
}

// logs reads what a queue's workers have logged.
func logs(ctx context.Context, namespace, name string) string {
	GinkgoHelper()
	out, err := kubectl(ctx, "", "logs", "-n", namespace, "--tail=-1", "--prefix",
		"-l", "queue.asyncqueue.dev/queue="+name+",app.kubernetes.io/component=worker")
	Expect(err).NotTo(HaveOccurred(), out)
	return out
}
