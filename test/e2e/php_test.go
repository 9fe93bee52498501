package e2e_test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// phpImage holds PHP and examples/php/job.php, and knows nothing of AsyncQueue (hack/images).
const phpImage = "asyncqueue/php-example:dev"

// needContainers skips a spec where the node runs pods' programs as processes of the host, which have no images.
func needContainers(ctx SpecContext) {
	GinkgoHelper()
	nodes := &corev1.NodeList{}
	Expect(kube.List(ctx, nodes)).To(Succeed())
	for _, node := range nodes.Items {
		if runtime := node.Status.NodeInfo.ContainerRuntimeVersion; !strings.HasPrefix(runtime, "containerd://") {
			// Where containers cannot run, the node runs host processes, which have no image.
			Skip("the node runs no containers but " + runtime)
		}
	}
}

// phpWorker is the one pod of a queue whose image had no worker, after a look at how it came to have one.
func phpWorker(ctx SpecContext, namespace, name string) corev1.Pod {
	GinkgoHelper()
	readyPods(ctx, namespace, name, 1)
	pod := pods(ctx, namespace, name)[0]
	Expect(pod.Spec.Containers[0].Image).To(Equal(phpImage))
	Expect(pod.Status.InitContainerStatuses).To(HaveLen(1))
	Expect(pod.Status.InitContainerStatuses[0].Image).To(HaveSuffix("asyncqueue/worker:dev"))
	Expect(pod.Status.InitContainerStatuses[0].State.Terminated).To(HaveField("ExitCode", BeZero()))
	return pod
}

// Both namespaces enforce Pod Security `restricted`; the root file system of the pods is read-only.
var _ = Describe("A command in an image that knows nothing of AsyncQueue", func() {
	It("runs examples/php as its README says", func(ctx SpecContext) {
		needContainers(ctx)
		namespace := newNamespace(ctx)
		const channel = "{php-mails}"
		forget(ctx, shared, channel)
		DeferCleanup(forget, shared, channel)
		example := filepath.Join(root, "examples", "php")
		out, err := kubectl(ctx, "", "create", "configmap", "-n", namespace, "php-mails", "--from-file="+filepath.Join(example, "job.php"))
		Expect(err).NotTo(HaveOccurred(), out)
		manifest, err := os.ReadFile(filepath.Join(example, "queue.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(string(manifest)).To(ContainSubstring("image: php:8-cli"))
		apply(ctx, namespace, strings.Replace(string(manifest), "php:8-cli", phpImage, 1))
		phpWorker(ctx, namespace, "php-mails")

		push(ctx, channel, 20, "--hyperf-class", `App\Job\SendMail`, "--param", "to=grace@example.com")
		push(ctx, channel, 20, "--type", "mail.send", "--data", `{"to": "ada@example.com"}`)
		Eventually(func() string { return states(counts(ctx, shared, channel)) }).WithContext(ctx).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))
		said := logs(ctx, namespace, "php-mails")
		Expect(strings.Count(said, "sent to grace@example.com (attempt 1)")).To(Equal(20))
		Expect(strings.Count(said, "sent to ada@example.com (attempt 1)")).To(Equal(20))
	})

	It("runs the image's own job on what Hyperf's versions wrote, and recycles the worker that was brought in", func(ctx SpecContext) {
		needContainers(ctx)
		namespace := newNamespace(ctx)
		const channel = "{php-own}"
		forget(ctx, shared, channel)
		DeferCleanup(forget, shared, channel)
		apply(ctx, namespace, jobQueueWith("php-own", channel, "  concurrency: 1\n  maxMessages: 2\n"+
			`  handler: {exec: {command: [php, /app/job.php], image: "`+phpImage+`"}}`))
		pod := phpWorker(ctx, namespace, "php-own")

		for _, file := range []string{"f1_demo_scalars", "f2_demo_scalars", "f4_demo_scalars", "f5_demo_scalars"} {
			push(ctx, channel, 1, "--raw", filepath.Join(root, "internal", "phpserialize", "testdata", "hyperf", "valid", file+".bin"))
		}
		Eventually(func() string { return states(counts(ctx, shared, channel)) }).WithContext(ctx).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))
		said := logs(ctx, namespace, "php-own")
		Expect(strings.Count(said, `DemoJob with {"zero":0,"one":1,"neg":-1,"max":9223372036854775807,"min":-9223372036854775808,`+
			`"null":null,"t":true,"f":false,"empty":""} (attempt 1)`)).To(Equal(4), said)
		expectOneLife(ctx, namespace, "php-own", &pod)
	})
})
