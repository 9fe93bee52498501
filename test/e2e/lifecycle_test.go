package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// readyPods waits until a queue has so many ready workers and no others.
func readyPods(ctx context.Context, namespace, name string, want int) {
	GinkgoHelper()
	Eventually(func() string {
		list, ready := pods(ctx, namespace, name), 0
		for _, pod := range list {
			if podReady(&pod) {
				ready++
			}
		}
		return fmt.Sprintf("%d ready of %d", ready, len(list))
	}).WithContext(ctx).WithTimeout(longTimeout).Should(Equal(fmt.Sprintf("%d ready of %d", want, want)))
}

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

var _ = Describe("A queue's life", func() {
	It("runs its pods under Pod Security restricted, without a service-account token", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, namespace, jobQueue("safe", "{safe}", ""))
		eventuallyCondition(ctx, namespace, "safe", "Ready", "True/Consuming")
		pod := pods(ctx, namespace, "safe")[0]
		Expect(pod.Spec.AutomountServiceAccountToken).To(Equal(ptr.To(false)))
		for _, container := range pod.Spec.Containers {
			Expect(container.SecurityContext.ReadOnlyRootFilesystem).To(Equal(ptr.To(true)))
		}
	})

	It("follows kubectl scale, suspends, resumes, and repairs what is changed by hand", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, namespace, jobQueue("obedient", "{obedient}", `  timeoutReload: {schedule: "@hourly"}`))
		readyPods(ctx, namespace, "obedient", 1)

		out, err := kubectl(ctx, "", "scale", "-n", namespace, "aq/obedient", "--replicas=3")
		Expect(err).NotTo(HaveOccurred(), out)
		readyPods(ctx, namespace, "obedient", 3)

		By("applying the same manifest again, which keeps the scaler's number")
		apply(ctx, namespace, jobQueue("obedient", "{obedient}", `  timeoutReload: {schedule: "@hourly"}`))
		Consistently(func() int32 { return *deployment(ctx, namespace, "obedient").Spec.Replicas }).
			WithContext(ctx).WithTimeout(3 * time.Second).Should(Equal(int32(3)))

		By("changing the Deployment by hand")
		changed := deployment(ctx, namespace, "obedient")
		patch := client.MergeFrom(changed.DeepCopy())
		changed.Spec.Replicas = ptr.To(int32(1))
		changed.Spec.Template.Spec.Containers[0].Image = "asyncqueue/worker:dev"
		Expect(kube.Patch(ctx, changed, patch)).To(Succeed())
		Eventually(func() string {
			d := deployment(ctx, namespace, "obedient")
			return fmt.Sprint(*d.Spec.Replicas, " ", d.Spec.Template.Spec.Containers[0].Image)
		}).WithContext(ctx).Should(Equal("3 asyncqueue/demojob:dev"))

		By("suspending it")
		out, err = kubectl(ctx, "", "patch", "-n", namespace, "aq/obedient", "--type=merge", "-p", `{"spec":{"suspend":true}}`)
		Expect(err).NotTo(HaveOccurred(), out)
		readyPods(ctx, namespace, "obedient", 0)
		eventuallyCondition(ctx, namespace, "obedient", "Ready", "True/Suspended")
		reload := &batchv1.CronJob{}
		Expect(kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "obedient-reload"}, reload)).To(Succeed())
		Expect(reload.Spec.Suspend).To(Equal(ptr.To(true)))

		By("resuming it without timeoutReload: the CronJob goes")
		out, err = kubectl(ctx, "", "patch", "-n", namespace, "aq/obedient", "--type=merge",
			"-p", `{"spec":{"suspend":false,"timeoutReload":null}}`)
		Expect(err).NotTo(HaveOccurred(), out)
		readyPods(ctx, namespace, "obedient", 3)
		Eventually(func() error {
			return kube.Get(ctx, client.ObjectKeyFromObject(reload), reload)
		}).WithContext(ctx).Should(MatchError(ContainSubstring("not found")))
	})

	It("leaves its messages in Redis when it is deleted", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, namespace, jobQueue("mortal", "{mortal}", "  suspend: true"))
		push(ctx, "{mortal}", 20, "--type", "demo.noop", "--data", "{}")
		DeferCleanup(forget, shared, "{mortal}")
		out, err := kubectl(ctx, "", "delete", "-n", namespace, "aq", "mortal")
		Expect(err).NotTo(HaveOccurred(), out)
		Eventually(func() bool { return deployment(ctx, namespace, "mortal") == nil }).WithContext(ctx).Should(BeTrue())
		Expect(counts(ctx, shared, "{mortal}").Waiting).To(Equal(int64(20)))
	})

	It("finishes what it has in hand when its pods are told to stop", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, namespace, jobQueue("polite", "{polite}", "  concurrency: 5"))
		DeferCleanup(forget, shared, "{polite}")
		readyPods(ctx, namespace, "polite", 1)
		push(ctx, "{polite}", 10, "--type", "demo.job", "--data", `{"seconds": 4}`)
		Eventually(func() int64 { return counts(ctx, shared, "{polite}").Reserved }).WithContext(ctx).Should(Equal(int64(5)))

		out, err := kubectl(ctx, "", "patch", "-n", namespace, "aq/polite", "--type=merge", "-p", `{"spec":{"suspend":true}}`)
		Expect(err).NotTo(HaveOccurred(), out)
		readyPods(ctx, namespace, "polite", 0)
		Eventually(func() string { return states(counts(ctx, shared, "{polite}")) }).WithContext(ctx).
			Should(Equal("waiting 5, delayed 0, reserved 0, timeout 0, failed 0"))
	})

	It("gives back what a killed worker held", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, namespace, jobQueue("mourned", "{mourned}",
			`  timeouts: {handleSeconds: 60}`+"\n"+`  timeoutReload: {schedule: "@hourly"}`))
		DeferCleanup(forget, shared, "{mourned}")
		readyPods(ctx, namespace, "mourned", 1)
		push(ctx, "{mourned}", 5, "--type", "demo.job", "--data", `{"seconds": 20}`)
		Eventually(func() int64 { return counts(ctx, shared, "{mourned}").Reserved }).WithContext(ctx).Should(Equal(int64(5)))

		victim := pods(ctx, namespace, "mourned")[0]
		killContainer(&victim)
		By("seeing all five taken up again by the next process, and finished")
		Eventually(func() int64 { return redelivered(ctx, shared, "{mourned}") }).WithContext(ctx).Should(Equal(int64(5)))
		Eventually(func() string { return states(counts(ctx, shared, "{mourned}")) }).WithContext(ctx).WithTimeout(longTimeout).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))
	})
})

// redelivered is how many messages of a channel were given back since their last acknowledgement.
func redelivered(ctx context.Context, rdb *redis.Client, channel string) int64 {
	GinkgoHelper()
	n, err := rdb.HLen(ctx, channel+":redelivered").Result()
	Expect(err).NotTo(HaveOccurred())
	return n
}

// forget removes every key of a channel.
func forget(ctx context.Context, rdb *redis.Client, channel string) {
	GinkgoHelper()
	pattern := strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`).Replace(channel) + ":*"
	keys := rdb.Scan(ctx, 0, pattern, 1000).Iterator()
	for keys.Next(ctx) {
		Expect(rdb.Del(ctx, keys.Val()).Err()).To(Succeed())
	}
	Expect(keys.Err()).NotTo(HaveOccurred())
}
