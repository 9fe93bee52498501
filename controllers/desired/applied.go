package desired

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Applied reduces a built object to the fields that the operator owns, and marks
// it with AnnotationApplied. Zero values that Go writes for absent fields would
// otherwise be claimed in server-side apply: status, resources, null timestamps.
func Applied(object runtime.Object) (*unstructured.Unstructured, error) {
	fields, err := toMap(object)
	if err != nil {
		return nil, err
	}
	delete(fields, "status")
	u := &unstructured.Unstructured{Object: owned(fields)}
	digest, err := digestOf(u.Object)
	if err != nil {
		return nil, err
	}
	annotations := u.GetAnnotations()
	u.SetAnnotations(over(map[string]string{AnnotationApplied: digest}, annotations))
	return u, nil
}

func digestOf(fields map[string]any) (string, error) {
	raw, err := json.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("writing the desired object: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

func toMap(object any) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("converting the desired object: %w", err)
	}
	return fields, nil
}

// owned drops nulls, and empty maps of fields for which Go cannot say absent. An
// empty map elsewhere means something: emptyDir.
func owned(fields map[string]any) map[string]any {
	kept := withoutNulls(fields)
	dropEmpty(kept, "resources", "strategy", "metadata")
	return kept
}

func withoutNulls(fields map[string]any) map[string]any {
	kept := make(map[string]any, len(fields))
	for name, value := range fields {
		switch v := value.(type) {
		case nil:
		case map[string]any:
			kept[name] = withoutNulls(v)
		case []any:
			kept[name] = itemsWithoutNulls(v)
		default:
			kept[name] = v
		}
	}
	return kept
}

func itemsWithoutNulls(items []any) []any {
	kept := make([]any, len(items))
	for i, item := range items {
		if fields, ok := item.(map[string]any); ok {
			item = withoutNulls(fields)
		}
		kept[i] = item
	}
	return kept
}

func dropEmpty(value any, names ...string) {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			dropEmpty(inner, names...)
		}
		for _, name := range names {
			if fields, ok := v[name].(map[string]any); ok && len(fields) == 0 {
				delete(v, name)
			}
		}
	case []any:
		for _, item := range v {
			dropEmpty(item, names...)
		}
	}
}
