// Command crdgen finishes a CustomResourceDefinition that controller-gen wrote:
// it shapes the pod template that is embedded in it, and writes the file back.
//
//	crdgen FILE
//
// It cuts the template's descriptions (they are Kubernetes' own and would make
// the CRD too large for kubectl apply), makes containers optional, bounds the
// lists that rules walk through, and adds the rules on what a template may not
// set. Its own tests are the API-server suite, which applies the result.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// maxBytes is how large the CRD may become as JSON. kubectl apply keeps a copy
// of it in an annotation, and the API server refuses annotations over 262144
// bytes.
const maxBytes = 200 << 10

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: crdgen FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "crdgen:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	in, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the CRD: %w", err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err = yaml.UnmarshalStrict(in, &crd); err != nil {
		return fmt.Errorf("parsing %s: %w", path, err)
	}
	for i := range crd.Spec.Versions {
		if err = finish(crd.Spec.Versions[i].Schema.OpenAPIV3Schema); err != nil {
			return fmt.Errorf("finishing version %s: %w", crd.Spec.Versions[i].Name, err)
		}
	}
	out, err := encode(&crd)
	if err != nil {
		return err
	}
	return os.WriteFile(path, out, 0o644) //nolint:gosec // a manifest that everybody may read
}

// encode writes the CRD as YAML, without the status that only the API server
// fills in.
func encode(crd *apiextensionsv1.CustomResourceDefinition) ([]byte, error) {
	text, err := json.Marshal(crd)
	if err != nil {
		return nil, fmt.Errorf("encoding the CRD: %w", err)
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("the CRD has %d bytes of JSON, more than the %d that leave kubectl apply room", len(text), maxBytes)
	}
	var fields map[string]any
	if err = json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("decoding the CRD: %w", err)
	}
	delete(fields, "status")
	out, err := yaml.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("writing the CRD as YAML: %w", err)
	}
	return append([]byte("---\n"), out...), nil
}
