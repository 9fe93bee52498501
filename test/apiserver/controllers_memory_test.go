package apiserver_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

var _ = It("A share of memory reaches the workers, and the queue says where no limit is known", func(ctx SpecContext) {
	o := startOperator(ctx)
	o.createReady(ctx, "orders", `spec: {maxMemoryPercent: 80}`)
	o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionMemoryLimited, "Unknown/MemoryLimitNotSet")
	Expect(o.condition(ctx, "orders", queuev1alpha1.ConditionReady)).To(Equal("True/Consuming"))
	worker := func() corev1.Container { return o.deployment(ctx, "orders").Spec.Template.Spec.Containers[0] }
	Expect(worker().Env).To(ContainElement(corev1.EnvVar{Name: "ASYNCQUEUE_MAX_MEMORY_PERCENT", Value: "80"}))

	o.update(ctx, "orders", `spec: {template: {spec: {containers: [{name: worker, resources: {limits: {memory: 64Mi}}}]}}}`)
	o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionMemoryLimited, "True/MemoryLimitSet")
	Eventually(func() corev1.ResourceList { return worker().Resources.Limits }).Should(Equal(corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}))

	o.update(ctx, "orders", `spec: {maxMemoryPercent: null}`)
	o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionMemoryLimited, "")
	Eventually(func() []corev1.EnvVar { return worker().Env }).ShouldNot(ContainElement(HaveField("Name", "ASYNCQUEUE_MAX_MEMORY_PERCENT")))
})
