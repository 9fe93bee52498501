package desired

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Settled reports that live holds everything that want, made by Applied, asks
// for, and that want is what was applied last. Fields and list items that others
// added are no drift.
func Settled(want *unstructured.Unstructured, live runtime.Object) (bool, error) {
	fields, err := toMap(live)
	if err != nil {
		return false, err
	}
	metadata, _ := fields["metadata"].(map[string]any)
	wantFields := map[string]any{}
	for name, value := range want.Object {
		// A typed object from the cache does not carry its own kind.
		if name != "apiVersion" && name != "kind" {
			wantFields[name] = value
		}
	}
	return metadata != nil && holds(fields, wantFields), nil
}

// holds reports that every field of want is in live with the same value.
func holds(live, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return len(w) == 0 && live == nil
		}
		for name, value := range w {
			inner, present := l[name]
			if !present || !holds(inner, value) {
				return false
			}
		}
		return true
	case []any:
		l, ok := live.([]any)
		return ok && holdsItems(l, w)
	default:
		return reflect.DeepEqual(live, want)
	}
}

// holdsItems compares lists: each wanted item of a list of named things must be
// there, whatever others have added; any other list must be equal item by item.
func holdsItems(live, want []any) bool {
	if isNamed(want) {
		for _, w := range want {
			if !slices.ContainsFunc(live, func(l any) bool { return holds(l, w) }) {
				return false
			}
		}
		return true
	}
	return slices.EqualFunc(live, want, holds)
}

// isNamed tells the lists that the API server merges by a key, of those that the
// operator's objects have, from lists that it replaces as a whole.
func isNamed(items []any) bool {
	for _, key := range []string{"name", "containerPort", "uid"} {
		if len(items) > 0 && !slices.ContainsFunc(items, func(item any) bool { return !hasField(item, key) }) {
			return true
		}
	}
	return false
}

func hasField(item any, name string) bool {
	fields, ok := item.(map[string]any)
	return ok && fields[name] != nil
}
