package e2e_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reserveNode keeps the cluster's node for pods that tolerate its taint, until the spec ends. Label and taint have the
// same name and value.
func reserveNode(ctx context.Context, name, value string) {
	GinkgoHelper()
	nodes := &corev1.NodeList{}
	Expect(kube.List(ctx, nodes)).To(Succeed())
	Expect(nodes.Items).To(HaveLen(1))
	node := nodes.Items[0].Name
	out, err := kubectl(ctx, "", "label", "node", node, name+"="+value)
	Expect(err).NotTo(HaveOccurred(), out)
	DeferCleanup(func(ctx SpecContext) {
		out, err := kubectl(ctx, "", "label", "node", node, name+"-")
		Expect(err).NotTo(HaveOccurred(), out)
	})
	out, err = kubectl(ctx, "", "taint", "node", node, name+"="+value+":NoSchedule")
	Expect(err).NotTo(HaveOccurred(), out)
	DeferCleanup(func(ctx SpecContext) {
		out, err := kubectl(ctx, "", "taint", "node", node, name+"-")
		Expect(err).NotTo(HaveOccurred(), out)
	})
}

var _ = Describe("A template's scheduling", func() {
	It("reaches the pods: priority, spread, node selector and tolerations", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		class := &schedulingv1.PriorityClass{
			ObjectMeta:       metav1.ObjectMeta{GenerateName: "e2e-"},
			Value:            4711,
			PreemptionPolicy: ptr.To(corev1.PreemptNever),
		}
		Expect(kube.Create(ctx, class)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(client.IgnoreNotFound(kube.Delete(ctx, class))).To(Succeed()) })
		const pool = "e2e.example.com/pool"
		reserveNode(ctx, pool, "jobs")

		By("waiting where the node is not for everybody")
		apply(ctx, namespace, jobQueue("placed", "{placed}", ""))
		Eventually(func() string {
			for _, pod := range pods(ctx, namespace, "placed") {
				for _, c := range pod.Status.Conditions {
					if c.Type == corev1.PodScheduled {
						return c.Reason + ": " + c.Message
					}
				}
			}
			return ""
		}).WithContext(ctx).Should(And(HavePrefix(corev1.PodReasonUnschedulable), ContainSubstring("untolerated taint")))

		By("running once the template says where and how")
		apply(ctx, namespace, jobQueueWith("placed", "{placed}", `  replicas: 2
  template:
    spec:
      priorityClassName: `+class.Name+`
      nodeSelector: {`+pool+`: jobs}
      tolerations: [{key: `+pool+`, operator: Equal, value: jobs, effect: NoSchedule}]
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {matchLabels: {queue.asyncqueue.dev/queue: placed}}
      containers: [{name: worker, image: "asyncqueue/demojob:dev"}]
`))
		readyPods(ctx, namespace, "placed", 2)
		eventuallyCondition(ctx, namespace, "placed", "Ready", "True/Consuming")
		for _, pod := range pods(ctx, namespace, "placed") {
			Expect(pod.Spec.PriorityClassName).To(Equal(class.Name))
			Expect(pod.Spec.Priority).To(Equal(ptr.To(int32(4711))))
			Expect(pod.Spec.PreemptionPolicy).To(Equal(ptr.To(corev1.PreemptNever)))
			Expect(pod.Spec.NodeSelector).To(HaveKeyWithValue(pool, "jobs"))
			Expect(pod.Spec.Tolerations).To(ContainElement(corev1.Toleration{
				Key: pool, Operator: corev1.TolerationOpEqual, Value: "jobs", Effect: corev1.TaintEffectNoSchedule,
			}))
			Expect(pod.Spec.TopologySpreadConstraints).To(ConsistOf(corev1.TopologySpreadConstraint{
				MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule,
				LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"queue.asyncqueue.dev/queue": "placed"}},
			}))
		}
	})
})
