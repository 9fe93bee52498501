package apiserver_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers"
	"github.com/asyncqueue/operator/controllers/desired"
)

const reloading = `spec: {timeoutReload: {schedule: "*/5 * * * *"}}`

var _ = Describe("The children of a queue", func() {
	It("are a Deployment and, where asked for, a CronJob that the queue owns", func(ctx SpecContext) {
		o := startOperator(ctx)
		q := o.create(ctx, "orders", reloading)
		owner := *metav1.NewControllerRef(q, queuev1alpha1.GroupVersion.WithKind(queuev1alpha1.Kind))

		d := o.awaitDeployment(ctx, "orders", 1)
		Expect(d.OwnerReferences).To(ConsistOf(owner))
		Expect(d.Spec.Template.Spec.Containers[0].Image).To(Equal("asyncqueue/worker:test"))
		Eventually(func() []metav1.OwnerReference {
			return get(ctx, o, "orders-reload", &batchv1.CronJob{}).OwnerReferences
		}).Should(ConsistOf(owner))
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionTimeoutReloadScheduled, "True/Scheduled")
	})

	It("are owned only in the fields that the operator has an opinion on", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", "")
		d := o.awaitDeployment(ctx, "orders", 1)
		Expect(d.ManagedFields).To(HaveLen(1))
		Expect(d.ManagedFields[0].Manager).To(Equal(controllers.FieldManager))
		Expect(d.ManagedFields[0].Operation).To(Equal(metav1.ManagedFieldsOperationApply))
		fields := string(d.ManagedFields[0].FieldsV1.GetRawBytes())
		Expect(fields).NotTo(Or(ContainSubstring("f:resources"), ContainSubstring("f:status"), ContainSubstring("creationTimestamp")))
	})

	It("get back what was changed, removed or deleted", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		container := func() string { return o.deployment(ctx, "orders").Spec.Template.Spec.Containers[0].Image }

		By("undoing a change")
		d := o.deployment(ctx, "orders")
		d.Spec.Template.Spec.Containers[0].Image = "example.com/other"
		d.Spec.Replicas = ptr.To[int32](7)
		Expect(k8sClient.Update(ctx, d)).To(Succeed())
		Eventually(container).Should(Equal("asyncqueue/worker:test"))
		o.awaitDeployment(ctx, "orders", 1)

		By("putting a label back without which the operator would not see it")
		d = o.deployment(ctx, "orders")
		delete(d.Labels, desired.LabelManagedBy)
		Expect(k8sClient.Update(ctx, d)).To(Succeed())
		Eventually(func() map[string]string { return o.deployment(ctx, "orders").Labels }).Should(HaveKey(desired.LabelManagedBy))

		By("making it anew")
		d = o.deployment(ctx, "orders")
		Expect(k8sClient.Delete(ctx, d)).To(Succeed())
		Eventually(func() bool {
			now := o.deployment(ctx, "orders")
			return now.Name != "" && now.UID != d.UID
		}).Should(BeTrue())
	})

	It("keep what others add", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		d := o.deployment(ctx, "orders")
		d.Annotations["example.com/note"] = "kept"
		Expect(k8sClient.Update(ctx, d)).To(Succeed())
		o.update(ctx, "orders", `spec: {concurrency: 3}`)
		Eventually(func() int64 { return o.deployment(ctx, "orders").Generation }).Should(BeNumerically(">", d.Generation))
		Expect(o.deployment(ctx, "orders").Annotations).To(HaveKeyWithValue("example.com/note", "kept"))
	})

	It("lose what is no longer asked for", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.create(ctx, "orders", `spec: {timeoutReload: {schedule: "@hourly"}, template: {spec: {nodeSelector: {pool: batch}}}}`)
		Eventually(func() string { return get(ctx, o, "orders-reload", &batchv1.CronJob{}).Name }).ShouldNot(BeEmpty())
		Expect(o.awaitDeployment(ctx, "orders", 1).Spec.Template.Spec.NodeSelector).To(HaveKey("pool"))

		o.update(ctx, "orders", `spec: {timeoutReload: null, template: null}`)
		Eventually(func() string { return get(ctx, o, "orders-reload", &batchv1.CronJob{}).Name }).Should(BeEmpty())
		Eventually(func() map[string]string { return o.deployment(ctx, "orders").Spec.Template.Spec.NodeSelector }).Should(BeEmpty())
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionTimeoutReloadScheduled, "")
	})

	It("follow the scale subresource", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		q := o.queue(ctx, "orders")
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
		Expect(k8sClient.SubResource("scale").Update(ctx, q, client.WithSubResourceBody(scale))).To(Succeed())
		o.awaitDeployment(ctx, "orders", 3)
		o.playDeployment(ctx, "orders")
		Eventually(func(g Gomega) {
			g.Expect(k8sClient.SubResource("scale").Get(ctx, q, scale)).To(Succeed())
			g.Expect(scale.Status.Replicas).To(Equal(int32(3)))
			g.Expect(scale.Status.Selector).To(Equal("app.kubernetes.io/component=worker,app.kubernetes.io/name=asyncqueue,queue.asyncqueue.dev/queue=orders"))
		}).Should(Succeed())
	})

	DescribeTable("leave a stranger under their name alone, and take it once it is free",
		func(ctx SpecContext, stranger client.Object, name string) {
			o := startOperator(ctx)
			stranger.SetNamespace(o.namespace)
			stranger.SetName(name)
			Expect(k8sClient.Create(ctx, stranger)).To(Succeed())
			version := stranger.GetResourceVersion()
			o.create(ctx, "orders", reloading)
			o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "True/NameConflict")
			o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "False/NameConflict")
			Expect(get(ctx, o, name, stranger).GetResourceVersion()).To(Equal(version))

			Expect(k8sClient.Delete(ctx, stranger)).To(Succeed())
			o.playDeployment(ctx, "orders")
			o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
			o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionStalled, "")
			o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionTimeoutReloadScheduled, "True/Scheduled")
		},
		Entry("a Deployment", strangeDeployment(nil), "orders-worker"),
		Entry("a Deployment that carries our labels", strangeDeployment(desired.Labels("orders", desired.ComponentWorker)), "orders-worker"),
		Entry("a CronJob", strangeCronJob(), "orders-reload"),
	)
})

func strangeDeployment(labels map[string]string) *appsv1.Deployment {
	d, err := desired.Deployment(desired.Input{Queue: &queuev1alpha1.AsyncQueue{}, WorkerImage: "stranger"})
	if err != nil {
		panic(err)
	}
	d.ObjectMeta = metav1.ObjectMeta{Labels: labels}
	return d
}

func strangeCronJob() *batchv1.CronJob {
	c := desired.CronJob(desired.Input{
		Queue:       &queuev1alpha1.AsyncQueue{Spec: queuev1alpha1.AsyncQueueSpec{TimeoutReload: &queuev1alpha1.TimeoutReload{Schedule: "@yearly"}}},
		WorkerImage: "stranger",
	})
	c.ObjectMeta = metav1.ObjectMeta{}
	return c
}
