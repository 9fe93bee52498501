package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// node is one schema in the tree.
type node = apiextensionsv1.JSONSchemaProps

// edit changes the schema at a path below n. The path's parts are field names;
// a part that ends in [] goes on with the items of that list.
func edit(n *node, path string, change func(*node) error) error {
	if path == "" {
		return change(n)
	}
	part, rest, _ := strings.Cut(path, ".")
	name, list := strings.CutSuffix(part, "[]")
	child, ok := n.Properties[name]
	if !ok {
		return fmt.Errorf("finding %s: there is no such field", name)
	}
	target := &child
	if list {
		if child.Items == nil {
			return fmt.Errorf("finding %s: it is no list", part)
		}
		target = child.Items.Schema
	}
	if err := edit(target, rest, change); err != nil {
		return fmt.Errorf("in %s: %w", name, err)
	}
	n.Properties[name] = child
	return nil
}

// stripDescriptions removes every description below n, and keeps n's own.
func stripDescriptions(n *node) {
	for name, child := range n.Properties {
		child.Description = ""
		stripDescriptions(&child)
		n.Properties[name] = child
	}
	if n.Items != nil && n.Items.Schema != nil {
		n.Items.Schema.Description = ""
		stripDescriptions(n.Items.Schema)
	}
	if n.AdditionalProperties != nil && n.AdditionalProperties.Schema != nil {
		n.AdditionalProperties.Schema.Description = ""
		stripDescriptions(n.AdditionalProperties.Schema)
	}
}

// fieldNames are the names of n's fields, sorted.
func fieldNames(n *node) []string {
	return slices.Sorted(maps.Keys(n.Properties))
}

// refuse adds a CEL rule to n; where it does not hold, the API server refuses
// the object with the path of field (one of n's fields, or n itself where it
// is empty) and the message.
func refuse(n *node, field, rule, message string) {
	v := apiextensionsv1.ValidationRule{Rule: rule, Message: message}
	if field != "" {
		v.FieldPath = "." + field
	}
	n.XValidations = append(n.XValidations, v)
}

// pointerTo is a pointer to v.
func pointerTo[T any](v T) *T { return &v }
