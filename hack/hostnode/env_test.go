//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func field(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
}

func secretKey(name, key string, optional *bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: optional,
	}}
}

func configKey(name, key string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key,
	}}
}

func limit(name, divisor string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: name, Divisor: resource.MustParse(divisor)}}
}

func TestEnvOf(t *testing.T) {
	src := mapSource{
		secrets:    map[string]map[string][]byte{"creds": {"password": []byte("/etc/creds"), "user": []byte("me")}},
		configMaps: map[string]map[string][]byte{"conf": {"DIR": []byte("/etc/creds")}},
	}
	for name, tc := range map[string]struct {
		container corev1.Container
		want      []string
		wantErr   string
	}{
		"plain values, expanded in their order": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "A", Value: "1"}, {Name: "B", Value: "$(A)-$(C)-$$(A)-$"}, {Name: "C", Value: "3"},
			}},
			want: []string{"A=1", "B=1-$(C)-$(A)-$", "C=3"},
		},
		"the downward API": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "NAME", ValueFrom: field("metadata.name")}, {Name: "NS", ValueFrom: field("metadata.namespace")},
				{Name: "UID", ValueFrom: field("metadata.uid")}, {Name: "APP", ValueFrom: field("metadata.labels['app']")},
				{Name: "NOTE", ValueFrom: field("metadata.annotations['note']")}, {Name: "IP", ValueFrom: field("status.podIP")},
				{Name: "HOST", ValueFrom: field("status.hostIP")}, {Name: "NODE", ValueFrom: field("spec.nodeName")},
				{Name: "SA", ValueFrom: field("spec.serviceAccountName")}, {Name: "NONE", ValueFrom: field("metadata.labels['none']")},
			}},
			want: []string{
				"APP=orders", "HOST=127.0.0.1", "IP=127.77.0.9", "NAME=orders-1", "NODE=node1", "NONE=", `NOTE=say "hi"`, "NS=shop", "SA=default", "UID=u-1",
			},
		},
		"resources, rounded up, from the node where no limit is set": {
			container: corev1.Container{
				Resources: corev1.ResourceRequirements{
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")},
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m")},
				},
				Env: []corev1.EnvVar{
					{Name: "CPU", ValueFrom: limit("limits.cpu", "0")}, {Name: "MEM", ValueFrom: limit("limits.memory", "1Mi")},
					{Name: "REQ", ValueFrom: limit("requests.cpu", "1")}, {Name: "MILLI", ValueFrom: limit("requests.cpu", "1m")},
				},
			},
			want: []string{"CPU=2", "MEM=100", "MILLI=1500", "REQ=2"},
		},
		"paths are rewritten, but not inside secrets": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "DIR", ValueFrom: configKey("conf", "DIR")}, {Name: "FILE", Value: "$(DIR)/x"},
				{Name: "LITERAL", Value: "/etc/creds/y"}, {Name: "PASSWORD", ValueFrom: secretKey("creds", "password", nil)},
				{Name: "LISTEN", Value: ":8080"}, {Name: "BOTH", Value: "$(PASSWORD)"},
			}},
			want: []string{
				"BOTH=/etc/creds", "DIR=/state/creds", "FILE=/state/creds/x", "LISTEN=127.77.0.9:8080", "LITERAL=/state/creds/y", "PASSWORD=/etc/creds",
			},
		},
		"envFrom comes first and takes a prefix": {
			container: corev1.Container{
				EnvFrom: []corev1.EnvFromSource{
					{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "creds"}}, Prefix: "S_"},
					{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}},
					{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: yes()}},
				},
				Env: []corev1.EnvVar{{Name: "S_user", Value: "you"}},
			},
			want: []string{"DIR=/state/creds", "S_password=/etc/creds", "S_user=you"},
		},
		"an optional key that is absent leaves the variable out": {
			container: corev1.Container{Env: []corev1.EnvVar{
				{Name: "A", ValueFrom: secretKey("creds", "none", yes())}, {Name: "B", ValueFrom: secretKey("none", "x", yes())},
			}},
			want: []string{},
		},
		"a missing Secret": {
			container: corev1.Container{Env: []corev1.EnvVar{{Name: "A", ValueFrom: secretKey("none", "x", nil)}}},
			wantErr:   `environment variable "A": secrets "none" not found`,
		},
		"a missing key": {
			container: corev1.Container{Env: []corev1.EnvVar{{Name: "A", ValueFrom: secretKey("creds", "x", nil)}}},
			wantErr:   `environment variable "A": key "x" is not in Secret creds`,
		},
		"an unknown field": {
			container: corev1.Container{Env: []corev1.EnvVar{{Name: "A", ValueFrom: field("status.mood")}}},
			wantErr:   `field "status.mood" is not supported by this node`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := newEnvironment(newRewriter([]mount{{path: "/etc/creds", dir: "/state/creds"}}, map[int32]bool{8080: true}, "127.77.0.9"))
			err := envOf(t.Context(), factsOf(somePod()), &tc.container, src, env)
			if !errorIs(err, tc.wantErr) {
				t.Fatalf("error %v, want %q", err, tc.wantErr)
			}
			if diff := cmp.Diff(tc.want, env.list()); err == nil && diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

// errorIs compares an error with the text that it must contain; "" = none.
func errorIs(err error, want string) bool {
	if err == nil || want == "" {
		return err == nil && want == ""
	}
	return strings.Contains(err.Error(), want)
}
