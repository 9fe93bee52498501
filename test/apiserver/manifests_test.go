package apiserver_test

import (
	"encoding/json"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	. "github.com/onsi/ginkgo/v2"
)

// goodManifest is the smallest queue that is accepted.
const goodManifest = `
apiVersion: queue.asyncqueue.dev/v1alpha1
kind: AsyncQueue
metadata: {name: orders}
spec:
  handler: {http: {url: "http://127.0.0.1:8080/jobs"}}
`

// manifest is goodManifest with a change merged over it: YAML whose nulls
// remove fields.
func manifest(namespace, change string) *unstructured.Unstructured {
	GinkgoHelper()
	u := &unstructured.Unstructured{}
	Expect(json.Unmarshal(merged(toJSON(goodManifest), change), &u.Object)).To(Succeed())
	u.SetNamespace(namespace)
	return u
}

// changed is a copy of an object with a change merged over it.
func changed(object *unstructured.Unstructured, change string) *unstructured.Unstructured {
	GinkgoHelper()
	base, err := json.Marshal(object.Object)
	Expect(err).NotTo(HaveOccurred())
	u := &unstructured.Unstructured{}
	Expect(json.Unmarshal(merged(base, change), &u.Object)).To(Succeed())
	return u
}

func merged(base []byte, change string) []byte {
	GinkgoHelper()
	if change == "" {
		return base
	}
	out, err := jsonpatch.MergePatch(base, toJSON(change))
	Expect(err).NotTo(HaveOccurred())
	return out
}

func toJSON(text string) []byte {
	GinkgoHelper()
	out, err := yaml.YAMLToJSON([]byte(text))
	Expect(err).NotTo(HaveOccurred())
	return out
}
