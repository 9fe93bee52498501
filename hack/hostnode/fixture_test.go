//go:build linux

package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// mapSource answers from maps, with the API's errors.
type mapSource struct {
	secrets, configMaps map[string]map[string][]byte
}

func (m mapSource) secret(_ context.Context, _, name string) (map[string][]byte, error) {
	return lookUp(m.secrets, "secrets", name)
}

func (m mapSource) configMap(_ context.Context, _, name string) (map[string][]byte, error) {
	return lookUp(m.configMaps, "configmaps", name)
}

func lookUp(objects map[string]map[string][]byte, kind, name string) (map[string][]byte, error) {
	if data, ok := objects[name]; ok {
		return data, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: kind}, name)
}

// oneToken hands out the audience as the token.
type oneToken struct{}

func (oneToken) token(_ context.Context, _ *corev1.Pod, audience string, _ int64) (string, error) {
	return "token for " + audience, nil
}

// somePod is a pod with the containers given.
func somePod(containers ...corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "orders-1", Namespace: "shop", UID: "u-1", Generation: 1,
			Labels: map[string]string{"app": "orders", "a/b": "c"}, Annotations: map[string]string{"note": `say "hi"`},
		},
		Spec: corev1.PodSpec{
			NodeName: "node1", ServiceAccountName: "default", RestartPolicy: corev1.RestartPolicyAlways, Containers: containers,
		},
	}
}

// factsOf is what this node would tell about a pod.
func factsOf(pod *corev1.Pod) facts {
	return facts{
		pod: pod, podIP: "127.77.0.9", hostIP: hostIP,
		allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4Gi")},
	}
}

func yes() *bool { b := true; return &b }
