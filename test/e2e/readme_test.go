package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// takeTour runs the commands of the README's tour in a namespace in which the samples stand.
func takeTour(ctx context.Context, namespace string) {
	GinkgoHelper()
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	Expect(err).NotTo(HaveOccurred())
	_, tour, found := strings.Cut(string(readme), "## A five-minute tour")
	Expect(found).To(BeTrue(), "the README has no tour")
	_, tour, found = strings.Cut(tour, "```sh\n")
	Expect(found).To(BeTrue(), "the tour has no commands")
	tour, _, found = strings.Cut(tour, "```")
	Expect(found).To(BeTrue(), "the tour's commands do not end")

	// The tour is for the default namespace of the demo's cluster; here it is another one.
	config := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	original, err := os.ReadFile(os.Getenv("KUBECONFIG"))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(config, original, 0o600)).To(Succeed())
	shell := exec.CommandContext(ctx, "bash", "-exo", "pipefail", "-c", strings.Replace(tour,
		`eval "$(hack/cluster/cluster env)"`, "kubectl config set-context --current --namespace="+namespace, 1))
	shell.Dir = root
	shell.Env = append(os.Environ(), "KUBECONFIG="+config)
	out, err := shell.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	Expect(string(out)).To(ContainSubstring("spec.concurrency"), "the refusal names the field")
}
