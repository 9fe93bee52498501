package apiserver_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/asyncqueue/operator/controllers"
)

var _ = Describe("What others put into a child's spec", func() {
	change := func(ctx SpecContext, o *operator, manager string, change func(*appsv1.Deployment)) {
		GinkgoHelper()
		Eventually(func() error {
			d := o.deployment(ctx, "orders")
			before := d.DeepCopy()
			change(d)
			return k8sClient.Patch(ctx, d, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), client.FieldOwner(manager))
		}).Should(Succeed())
	}
	managers := func(ctx SpecContext, o *operator) []string {
		var names []string
		for _, e := range o.deployment(ctx, "orders").ManagedFields {
			if e.Subresource == "" {
				names = append(names, e.Manager)
			}
		}
		return names
	}

	It("is taken out although it contradicts nothing, and the pods are as before", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		template := o.deployment(ctx, "orders").Spec.Template
		change(ctx, o, "kubectl-set", func(d *appsv1.Deployment) {
			c := &d.Spec.Template.Spec.Containers[0]
			c.Env = append(c.Env, corev1.EnvVar{Name: "DEBUG", Value: "1"})
		})
		Eventually(func() corev1.PodTemplateSpec { return o.deployment(ctx, "orders").Spec.Template }).Should(Equal(template))
		Expect(managers(ctx, o)).To(ConsistOf(controllers.FieldManager))
	})

	It("cannot pause a rollout", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		change(ctx, o, "kubectl-rollout", func(d *appsv1.Deployment) { d.Spec.Paused = true })
		Eventually(func() bool { return o.deployment(ctx, "orders").Spec.Paused }).Should(BeFalse())
	})

	It("may restart the pods", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", "")
		const key = "kubectl.kubernetes.io/restartedAt"
		change(ctx, o, "kubectl-rollout", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{key: "now"}
		})
		o.playDeployment(ctx, "orders")
		o.update(ctx, "orders", `spec: {replicas: 2}`)
		o.awaitDeployment(ctx, "orders", 2)
		Consistently(func() map[string]string { return o.deployment(ctx, "orders").Spec.Template.Annotations }).Should(HaveKeyWithValue(key, "now"))
	})

	It("is looked for in a CronJob too, and by an operator that was away", func(ctx SpecContext) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", reloading)
		cronJob := func() *batchv1.CronJob { return get(ctx, o, "orders-reload", &batchv1.CronJob{}) }
		Eventually(func() string { return cronJob().Name }).ShouldNot(BeEmpty())
		c := cronJob()
		before := c.DeepCopy()
		c.Spec.JobTemplate.Spec.Template.Spec.NodeSelector = map[string]string{"pool": "other"}
		Expect(k8sClient.Patch(ctx, c, client.MergeFrom(before), client.FieldOwner("kubectl-edit"))).To(Succeed())
		Eventually(func() map[string]string { return cronJob().Spec.JobTemplate.Spec.Template.Spec.NodeSelector }).Should(BeEmpty())
	})
})
