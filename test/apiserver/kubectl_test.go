package apiserver_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// kubectl runs the real kubectl as a cluster admin and returns what it wrote.
func kubectl(args ...string) (string, error) {
	GinkgoHelper()
	user, err := testEnv.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	Expect(err).NotTo(HaveOccurred())
	command, err := user.Kubectl()
	Expect(err).NotTo(HaveOccurred())
	stdout, stderr, failure := command.Run(args...)
	var all []byte
	for _, stream := range []io.Reader{stdout, stderr} {
		text, err := io.ReadAll(stream)
		Expect(err).NotTo(HaveOccurred())
		all = append(all, text...)
	}
	return string(all), failure
}

// written puts a manifest into a file for kubectl.
func written(u *unstructured.Unstructured) string {
	GinkgoHelper()
	text, err := json.Marshal(u.Object)
	Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(GinkgoT().TempDir(), "queue.json")
	Expect(os.WriteFile(path, text, 0o600)).To(Succeed())
	return path
}

var _ = Describe("kubectl", func() {
	It("applies the CRD without --server-side, whose copy in an annotation has a limit", func(ctx SpecContext) {
		out, err := kubectl("apply", "-k", filepath.Join(projectRoot, "config", "crd"))
		Expect(err).NotTo(HaveOccurred(), out)

		crd := &unstructured.Unstructured{}
		crd.SetAPIVersion("apiextensions.k8s.io/v1")
		crd.SetKind("CustomResourceDefinition")
		Expect(k8sClient.Get(ctx, client.ObjectKey{Name: "asyncqueues.queue.asyncqueue.dev"}, crd)).To(Succeed())
		kept := crd.GetAnnotations()["kubectl.kubernetes.io/last-applied-configuration"]
		Expect(kept).NotTo(BeEmpty())
		Expect(len(kept)).To(BeNumerically("<", 128<<10), "the CRD should stay below half of the limit of 256 KiB")
	})

	It("explains the fields in the project's own words", func() {
		// A CRD is served before its schema is published, which this spec may be the first to ask for.
		Eventually(func(g Gomega) {
			out, err := kubectl("explain", "aq.spec.timeouts.handleSeconds")
			g.Expect(err).NotTo(HaveOccurred(), out)
			g.Expect(out).To(ContainSubstring("handleSeconds is the handle timeout"))
		}).Should(Succeed())
	})

	It("refuses an unknown field by default", func(ctx SpecContext) {
		out, err := kubectl("apply", "-f", written(manifest(newNamespace(ctx), `spec: {concurency: 5}`)))
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring(`unknown field "spec.concurency"`))
	})

	DescribeTable("applies a manifest without replicas again and keeps what a scaler set",
		func(ctx SpecContext, flags ...string) {
			u := manifest(newNamespace(ctx), "")
			apply := append([]string{"apply", "-f", written(u)}, flags...)
			out, err := kubectl(apply...)
			Expect(err).NotTo(HaveOccurred(), out)
			out, err = kubectl("scale", "-n", u.GetNamespace(), "aq/orders", "--replicas=7")
			Expect(err).NotTo(HaveOccurred(), out)

			again := append([]string{"apply", "-f", written(changed(u, `spec: {concurrency: 3}`))}, flags...)
			out, err = kubectl(again...)
			Expect(err).NotTo(HaveOccurred(), out)
			q := &queuev1alpha1.AsyncQueue{}
			Expect(k8sClient.Get(ctx, client.ObjectKeyFromObject(u), q)).To(Succeed())
			Expect(q.Spec.Concurrency).To(Equal(int32(3)))
			Expect(q.Spec.Replicas).To(HaveValue(Equal(int32(7))))
		},
		Entry("client-side"),
		Entry("server-side", "--server-side"),
	)

	It("applies the samples and lists them under their short name", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		out, err := kubectl("apply", "-n", namespace, "-k", filepath.Join(projectRoot, "config", "samples"))
		Expect(err).NotTo(HaveOccurred(), out)
		out, err = kubectl("get", "-n", namespace, "aq", "-o", "wide")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(MatchRegexp(`NAME +CHANNEL +DESIRED +WORKERS +WAITING +READY +DELAYED +RESERVED +TIMEOUT +FAILED +REASON +AGE`))
		for _, name := range []string{"default", "normal", "lock", "autoscaled"} {
			Expect(out).To(ContainSubstring(name))
		}
	})
})
