package apiserver_test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

var _ = DescribeTable("The samples are the queues of Hyperf's page, value for value",
	func(ctx SpecContext, name string, want queuev1alpha1.AsyncQueueSpec) {
		text, err := os.ReadFile(filepath.Join(projectRoot, "config", "samples", name+".yaml"))
		Expect(err).NotTo(HaveOccurred())
		q := &queuev1alpha1.AsyncQueue{}
		Expect(yaml.UnmarshalStrict(text, q)).To(Succeed())
		q.Namespace = "default"
		Expect(k8sClient.Create(ctx, q, client.DryRunAll)).To(Succeed())
		Expect(q.Name).To(Equal(name))

		Expect(q.Spec.Template.Spec.Containers).To(ConsistOf(And(
			HaveField("Name", queuev1alpha1.WorkerContainer), HaveField("Image", "asyncqueue/demojob:dev"))))
		q.Spec.Template = nil
		// What Hyperf's configuration has no word for is as Hyperf does it.
		want.MaxMessageBytes = 1 << 20
		want.Timeouts.OnHandleTimeout, want.Timeouts.OnLateSuccess = queuev1alpha1.OnHandleTimeoutContinue, queuev1alpha1.OnLateSuccessKeep
		Expect(q.Spec).To(Equal(want))
	},
	Entry("default", "default", queuev1alpha1.AsyncQueueSpec{
		Channel: "{queue}", Concurrency: 10, Replicas: ptr.To[int32](1),
		Timeouts: queuev1alpha1.Timeouts{PopSeconds: 2, RetrySeconds: []int32{5}, HandleSeconds: 10},
	}),
	Entry("normal", "normal", queuev1alpha1.AsyncQueueSpec{
		Channel: "redis-queue", Concurrency: 100, Replicas: ptr.To[int32](10),
		Timeouts: queuev1alpha1.Timeouts{PopSeconds: 3, RetrySeconds: []int32{5}, HandleSeconds: 5},
	}),
	Entry("lock", "lock", queuev1alpha1.AsyncQueueSpec{
		Channel: "lock-queue", Concurrency: 1, Replicas: ptr.To[int32](1),
		Timeouts: queuev1alpha1.Timeouts{PopSeconds: 2, RetrySeconds: []int32{5}, HandleSeconds: 10},
	}),
)

var _ = It("Every sample is accepted, those for sentinels and a cluster too", func(ctx SpecContext) {
	files, err := filepath.Glob(filepath.Join(projectRoot, "config", "samples", "*.yaml"))
	Expect(err).NotTo(HaveOccurred())
	modes := map[queuev1alpha1.RedisMode]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		if !strings.Contains(string(text), "kind: AsyncQueue\n") {
			continue
		}
		q := &queuev1alpha1.AsyncQueue{}
		Expect(yaml.UnmarshalStrict(text, q)).To(Succeed(), file)
		q.Namespace = "default"
		Expect(k8sClient.Create(ctx, q, client.DryRunAll)).To(Succeed(), file)
		if q.Spec.Redis != nil {
			modes[q.Spec.Redis.Mode]++
		}
	}
	Expect(modes).To(HaveKey(queuev1alpha1.RedisModeSentinel))
	Expect(modes).To(HaveKey(queuev1alpha1.RedisModeCluster))
})
