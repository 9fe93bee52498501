package apiserver_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
)

var _ = Describe("A queue whose children cannot be built", func() {
	cronJob := func(ctx SpecContext, o *operator) *batchv1.CronJob {
		GinkgoHelper()
		return get(ctx, o, desired.CronJobName("orders"), &batchv1.CronJob{})
	}
	isPaused := func(ctx SpecContext, o *operator) func() bool {
		return func() bool { return ptr.Deref(cronJob(ctx, o).Spec.Suspend, false) }
	}

	It("is suspended although the API server refuses its template and its schedule", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", reloading)
		Eventually(func() string { return cronJob(ctx, o).Name }).ShouldNot(BeEmpty())
		o.update(ctx, "orders", `spec: {timeoutReload: {timeZone: Mars/Olympus}, template: {spec: {containers: [{name: worker, volumeMounts: [{name: nowhere, mountPath: /data}]}]}}}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "True/InvalidPodTemplate")

		o.update(ctx, "orders", `spec: {suspend: true}`)
		o.awaitDeployment(ctx, "orders", 0)
		Eventually(isPaused(ctx, o)).Should(BeTrue())
		o.update(ctx, "orders", `spec: {suspend: false, replicas: 3}`)
		o.awaitDeployment(ctx, "orders", 3)
		Eventually(isPaused(ctx, o)).Should(BeFalse())
	})

	It("is suspended, and loses its CronJob, although its Secret is gone", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.secret(ctx, "orders-redis", map[string]string{"uri": "redis://" + o.redis.Addr + "/0"})
		o.createReady(ctx, "orders", `spec: {redis: {credentialsSecretRef: {name: orders-redis}}, timeoutReload: {schedule: "@hourly"}}`)
		Eventually(func() string { return cronJob(ctx, o).Name }).ShouldNot(BeEmpty())
		Expect(k8sClient.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: "orders-redis"}})).To(Succeed())
		o.ahead.Store(int64(connect.Calm))

		o.update(ctx, "orders", `spec: {suspend: true}`)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionQueueReachable, "False/SecretNotFound")
		o.awaitDeployment(ctx, "orders", 0)
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionTimeoutReloadScheduled, "False/Suspended")
		Eventually(isPaused(ctx, o)).Should(BeTrue())
		o.update(ctx, "orders", `spec: {timeoutReload: null}`)
		Eventually(func() string { return cronJob(ctx, o).Name }).Should(BeEmpty())
	})

	It("waits for the garbage collector where it follows a queue of its name", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		Expect(k8sClient.Delete(ctx, o.queue(ctx, "orders"))).To(Succeed())
		o.create(ctx, "orders", "")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/Progressing")
		Consistently(func() string { return o.condition(ctx, "orders", queuev1alpha1.ConditionStalled) }).Should(BeEmpty())

		former := o.deployment(ctx, "orders")
		Expect(k8sClient.Delete(ctx, former)).To(Succeed()) // no garbage collector runs here
		Eventually(func() bool { d := o.deployment(ctx, "orders"); return d.Name != "" && d.UID != former.UID }).Should(BeTrue())
	})
})
