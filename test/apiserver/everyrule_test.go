package apiserver_test

import (
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"
)

// seenSentences are the sentences with which manifests were refused in the suite,
// each compared as a whole.
var seenSentences = map[string]bool{}

// Each rule of the schema must have a manifest that it refuses.
var _ = ReportAfterSuite("Every rule of the schema refuses something", func(report Report) {
	if !report.SuiteSucceeded || !ranAll(report) {
		return
	}
	raw, err := os.ReadFile(filepath.Join(projectRoot, "config", "crd", "queue.asyncqueue.dev_asyncqueues.yaml"))
	Expect(err).NotTo(HaveOccurred())
	var crd any
	Expect(yaml.Unmarshal(raw, &crd)).To(Succeed())
	sentences := map[string]bool{}
	collectSentences(crd, sentences)
	Expect(len(sentences)).To(BeNumerically(">", 20))
	var unseen []string
	for sentence := range sentences {
		if !seenSentences[sentence] {
			unseen = append(unseen, sentence)
		}
	}
	if len(unseen) > 0 {
		Fail("no manifest of the suite is refused with these sentences:\n" + strings.Join(unseen, "\n"))
	}
})

// collectSentences finds the messages of all CEL rules below a part of the CRD.
func collectSentences(part any, into map[string]bool) {
	switch p := part.(type) {
	case map[string]any:
		if rules, ok := p["x-kubernetes-validations"].([]any); ok {
			for _, rule := range rules {
				if message, ok := rule.(map[string]any)["message"].(string); ok {
					into[message] = true
				}
			}
		}
		for _, inner := range p {
			collectSentences(inner, into)
		}
	case []any:
		for _, inner := range p {
			collectSentences(inner, into)
		}
	}
}
