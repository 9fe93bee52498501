package e2e_test

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// longTimeout is for what includes pod starts, image set-up or Secrets' looks (once a minute) on a busy machine.
const longTimeout = 150 * time.Second

// jobQueue is a manifest of a queue whose workers run the demo's handlers; more is further spec, indented by two.
func jobQueue(name, channel, more string) string {
	return jobQueueWith(name, channel,
		`  template: {spec: {containers: [{name: worker, image: "asyncqueue/demojob:dev"}]}}`+"\n"+more)
}

// jobQueueWith is a manifest of a queue that brings all of its spec but the channel, indented by two.
func jobQueueWith(name, channel, spec string) string {
	return fmt.Sprintf(`apiVersion: queue.asyncqueue.dev/v1alpha1
kind: AsyncQueue
metadata: {name: %s}
spec:
  channel: %q
%s`, name, channel, spec)
}

// Each trouble shows as a condition with a reason that a person can act on, and heals without a restart.
var _ = Describe("What goes wrong is said, and heals", func() {
	It("refuses a wrong manifest at apply, with the field and a sentence", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		out, err := kubectl(ctx, jobQueue("wrong", "{wrong}", "  autoscaling: {minReplicas: 5, maxReplicas: 2}"),
			"apply", "-n", namespace, "-f", "-")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("spec.autoscaling.minReplicas"))
		Expect(out).To(ContainSubstring("minReplicas may not be greater than maxReplicas"))
	})

	It("waits for a Redis that is not there yet", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		port := freePort()
		apply(ctx, namespace, jobQueue("late", "{late}", fmt.Sprintf("  redis: {addresses: [%q]}", hostIP+":"+port)))
		eventuallyCondition(ctx, namespace, "late", "QueueReachable", "False/RedisUnreachable")
		Expect(condition(ctx, namespace, "late", "Ready")).To(HavePrefix("False/"))
		Expect(condition(ctx, namespace, "late", "Stalled")).To(BeEmpty())

		startRedis(port)
		eventuallyCondition(ctx, namespace, "late", "QueueReachable", "True/Reachable")
		eventuallyCondition(ctx, namespace, "late", "Ready", "True/Consuming")
	})

	It("names a Secret that is missing, and a password that is wrong, until they are right", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		port := freePort()
		startRedis(port, "--requirepass", "right")
		apply(ctx, namespace, jobQueue("secretive", "{secretive}",
			fmt.Sprintf("  redis: {addresses: [%q], credentialsSecretRef: {name: login}}", hostIP+":"+port)))
		eventuallyCondition(ctx, namespace, "secretive", "QueueReachable", "False/SecretNotFound")

		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "login"},
			StringData: map[string]string{"password": "wrong"},
		}
		Expect(kube.Create(ctx, secret)).To(Succeed())
		eventuallyCondition(ctx, namespace, "secretive", "QueueReachable", "False/RedisAuthenticationFailed")

		secret.StringData = map[string]string{"password": "right"}
		Expect(kube.Update(ctx, secret)).To(Succeed())
		eventuallyCondition(ctx, namespace, "secretive", "QueueReachable", "True/Reachable")
		eventuallyCondition(ctx, namespace, "secretive", "Ready", "True/Consuming")
	})

	It("shows a pod template that no API server takes, and heals when it is mended", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		bad := `  template: {spec: {containers: [{name: worker, image: "asyncqueue/demojob:dev", ` +
			`resources: {limits: {cpu: "1"}, requests: {cpu: "2"}}}]}}`
		apply(ctx, namespace, jobQueueWith("template", "{template}", bad))
		eventuallyCondition(ctx, namespace, "template", "Stalled", "True/InvalidPodTemplate")

		apply(ctx, namespace, jobQueue("template", "{template}", ""))
		eventuallyCondition(ctx, namespace, "template", "Ready", "True/Consuming")
		Expect(condition(ctx, namespace, "template", "Stalled")).To(BeEmpty())
	})

	It("shows workers whose image cannot be had", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, namespace, jobQueueWith("imageless", "{imageless}",
			`  template: {spec: {containers: [{name: worker, image: "localhost/no-such-image:1"}]}}`))
		eventuallyCondition(ctx, namespace, "imageless", "WorkersAvailable", "False/WorkersFailing")
		apply(ctx, namespace, jobQueue("imageless", "{imageless}", ""))
		eventuallyCondition(ctx, namespace, "imageless", "Ready", "True/Consuming")
	})

	It("leaves an object alone that stands under a child's name, and goes on when it is gone", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		foreign := &batchv1.CronJob{}
		foreign.Namespace, foreign.Name = namespace, "taken-reload"
		foreign.Spec.Schedule = "0 0 1 1 *"
		foreign.Spec.JobTemplate.Spec.Template.Spec = corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "mine", Image: "mine"}},
		}
		Expect(kube.Create(ctx, foreign)).To(Succeed())
		apply(ctx, namespace, jobQueue("taken", "{taken}", `  timeoutReload: {schedule: "@hourly"}`))
		eventuallyCondition(ctx, namespace, "taken", "Stalled", "True/NameConflict")
		Expect(kube.Get(ctx, client.ObjectKeyFromObject(foreign), foreign)).To(Succeed())
		Expect(foreign.OwnerReferences).To(BeEmpty())
		Expect(foreign.Spec.Schedule).To(Equal("0 0 1 1 *"))

		Expect(kube.Delete(ctx, foreign)).To(Succeed())
		eventuallyCondition(ctx, namespace, "taken", "Ready", "True/Consuming")
		eventuallyCondition(ctx, namespace, "taken", "TimeoutReloadScheduled", "True/Scheduled")
	})

	It("lets the older of two queues on one channel run", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		apply(ctx, namespace, jobQueue("elder", "{shared}", ""))
		eventuallyCondition(ctx, namespace, "elder", "Ready", "True/Consuming")
		apply(ctx, namespace, jobQueue("younger", "{shared}", ""))
		eventuallyCondition(ctx, namespace, "younger", "Stalled", "True/ChannelConflict")
		Expect(deployment(ctx, namespace, "younger")).To(BeNil())

		out, err := kubectl(ctx, "", "delete", "-n", namespace, "aq", "elder")
		Expect(err).NotTo(HaveOccurred(), out)
		eventuallyCondition(ctx, namespace, "younger", "Ready", "True/Consuming")
	})
})
