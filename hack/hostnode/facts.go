//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// facts is what the downward API can tell about a pod.
type facts struct {
	pod         *corev1.Pod
	podIP       string
	hostIP      string
	allocatable corev1.ResourceList // of the node: stands in for a limit that is not set
}

// field resolves a fieldRef.
func (f facts) field(path string) (string, error) {
	if value, ok := f.keyed(path); ok {
		return value, nil
	}
	switch path {
	case "metadata.name":
		return f.pod.Name, nil
	case "metadata.namespace":
		return f.pod.Namespace, nil
	case "metadata.uid":
		return string(f.pod.UID), nil
	case "metadata.labels":
		return formatMap(f.pod.Labels), nil
	case "metadata.annotations":
		return formatMap(f.pod.Annotations), nil
	case "spec.nodeName":
		return f.pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return f.pod.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return f.podIP, nil
	case "status.hostIP", "status.hostIPs":
		return f.hostIP, nil
	}
	return "", fmt.Errorf("field %q is not supported by this node", path)
}

// keyed resolves metadata.labels['key'] and metadata.annotations['key']; an
// absent key is the empty string.
func (f facts) keyed(path string) (string, bool) {
	for prefix, values := range map[string]map[string]string{
		"metadata.labels['":      f.pod.Labels,
		"metadata.annotations['": f.pod.Annotations,
	} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			return values[strings.TrimSuffix(rest, "']")], true
		}
	}
	return "", false
}

// formatMap writes labels as downward API files have them.
func formatMap(m map[string]string) string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&out, "%s=%q\n", key, m[key])
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// resource resolves a resourceFieldRef of the container c.
func (f facts) resource(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	kind, name, _ := strings.Cut(ref.Resource, ".")
	var value resource.Quantity
	switch kind {
	case "limits":
		limit, ok := c.Resources.Limits[corev1.ResourceName(name)]
		if !ok {
			limit = f.allocatable[corev1.ResourceName(name)]
		}
		value = limit
	case "requests":
		value = c.Resources.Requests[corev1.ResourceName(name)]
	default:
		return "", fmt.Errorf("resource %q is not supported by this node", ref.Resource)
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if corev1.ResourceName(name) == corev1.ResourceCPU {
		return ceilDiv(value.MilliValue(), divisor.MilliValue()), nil
	}
	return ceilDiv(value.Value(), divisor.Value()), nil
}

func ceilDiv(value, divisor int64) string {
	return strconv.FormatInt((value+divisor-1)/divisor, 10)
}
