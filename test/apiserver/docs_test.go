package apiserver_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// yamlBlocks are the texts between ```yaml and ``` in a page.
func yamlBlocks(page string) []string {
	blocks := strings.Split(page, "```yaml\n")[1:]
	for i, block := range blocks {
		blocks[i], _, _ = strings.Cut(block, "```")
	}
	return blocks
}

var _ = It("The examples in the documentation are accepted as they are printed", func(ctx SpecContext) {
	page, err := os.ReadFile(filepath.Join(projectRoot, "docs", "asyncqueue.md"))
	Expect(err).NotTo(HaveOccurred())
	blocks := yamlBlocks(string(page))
	Expect(len(blocks)).To(BeNumerically(">=", 8))
	strict := client.WithFieldValidation(k8sClient, metav1.FieldValidationStrict)
	for _, block := range blocks {
		// A block with a kind is whole; another shows a part of a spec.
		u := manifest("default", "")
		if strings.Contains(block, "kind: ") {
			u = &unstructured.Unstructured{}
			Expect(json.Unmarshal(toJSON(block), &u.Object)).To(Succeed())
			u.SetNamespace("default")
		} else {
			u = changed(u, block)
		}
		Expect(strict.Create(ctx, u, client.DryRunAll)).To(Succeed(), block)
	}
})
