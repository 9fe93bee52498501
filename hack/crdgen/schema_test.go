package main

import (
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

func tree() *node {
	return &node{Description: "root", Properties: map[string]node{
		"list": {Description: "list", Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &node{
			Description: "item",
			Properties:  map[string]node{"leaf": {Description: "leaf"}},
		}}},
	}}
}

func TestEditReachesIntoLists(t *testing.T) {
	root := tree()
	err := edit(root, "list[].leaf", func(n *node) error {
		n.Type = "string"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := root.Properties["list"].Items.Schema.Properties["leaf"].Type; got != "string" {
		t.Errorf("type of the leaf: %q, want string", got)
	}
}

func TestEditNamesThePathThatIsMissing(t *testing.T) {
	for path, want := range map[string]string{
		"nothing":       "finding nothing: there is no such field",
		"list[].absent": "in list: finding absent: there is no such field",
		"list.absent":   "in list: finding absent: there is no such field",
	} {
		err := edit(tree(), path, func(*node) error { return nil })
		if err == nil || err.Error() != want {
			t.Errorf("edit %s: %v, want %s", path, err, want)
		}
	}
}

func TestStripDescriptionsKeepsTheRoot(t *testing.T) {
	root := tree()
	stripDescriptions(root)
	item := root.Properties["list"].Items.Schema
	if root.Description != "root" || root.Properties["list"].Description != "" ||
		item.Description != "" || item.Properties["leaf"].Description != "" {
		t.Errorf("descriptions after stripping: %+v", root)
	}
}

func TestEncodeRefusesWhatKubectlApplyCouldNotTake(t *testing.T) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	crd.Annotations = map[string]string{"long": strings.Repeat("x", maxBytes)}
	if _, err := encode(crd); err == nil || !strings.Contains(err.Error(), "leave kubectl apply room") {
		t.Errorf("encoding a CRD of over %d bytes: %v, want a refusal", maxBytes, err)
	}
	crd.Annotations = nil
	out, err := encode(crd)
	if err != nil || strings.Contains(string(out), "status:") {
		t.Errorf("encoding a small CRD: %v, %s, want no status", err, out)
	}
}
