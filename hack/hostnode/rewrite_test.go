//go:build linux

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestRewriterText(t *testing.T) {
	r := newRewriter([]mount{
		{path: "/tmp", dir: "/tmp/state/vol/tmp"},
		{path: "/etc/creds", dir: "/tmp/state/vol/creds"},
		{path: "/etc/creds/deep", dir: "/tmp/state/vol/deep"},
	}, map[int32]bool{8080: true, 8081: true}, "127.77.0.9")
	for name, tc := range map[string]struct{ in, want string }{
		"a mount path alone":                    {"/etc/creds", "/tmp/state/vol/creds"},
		"a file below it":                       {"/etc/creds/password", "/tmp/state/vol/creds/password"},
		"the deepest mount wins":                {"/etc/creds/deep/x", "/tmp/state/vol/deep/x"},
		"a longer name is another path":         {"/etc/creds2/x", "/etc/creds2/x"},
		"the tail of another path stays":        {"/opt/etc/creds", "/opt/etc/creds"},
		"the value of a flag":                   {"--dir=/etc/creds", "--dir=/tmp/state/vol/creds"},
		"a list":                                {"/etc/creds:/tmp:/bin", "/tmp/state/vol/creds:/tmp/state/vol/tmp:/bin"},
		"JSON":                                  {`["/tmp/x","/etc/creds"]`, `["/tmp/state/vol/tmp/x","/tmp/state/vol/creds"]`},
		"a file URL":                            {"file:///etc/creds/a", "file:///tmp/state/vol/creds/a"},
		"nothing is rewritten twice":            {"/tmp/a /etc/creds/b", "/tmp/state/vol/tmp/a /tmp/state/vol/creds/b"},
		"an own port everywhere":                {":8080", "127.77.0.9:8080"},
		"an own port in a flag":                 {"--health-probe-bind-address=:8081", "--health-probe-bind-address=127.77.0.9:8081"},
		"all addresses":                         {"0.0.0.0:8080", "127.77.0.9:8080"},
		"all IPv6 addresses":                    {"--a=[::]:8080", "--a=127.77.0.9:8080"},
		"the pod's own localhost":               {"http://localhost:8080/jobs", "http://127.77.0.9:8080/jobs"},
		"the pod's own 127.0.0.1":               {"http://127.0.0.1:8081/x", "http://127.77.0.9:8081/x"},
		"a foreign port on localhost stays":     {"redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"},
		"a longer port stays":                   {"http://127.0.0.1:80801/", "http://127.0.0.1:80801/"},
		"another host stays":                    {"http://mylocalhost:8080/", "http://mylocalhost:8080/"},
		"a time of day stays":                   {"at 12:8080 or so", "at 12:8080 or so"},
		"a port of somebody else's stays":       {":9090", ":9090"},
		"an image reference stays":              {"repo/image:8080", "repo/image:8080"},
		"the empty string":                      {"", ""},
		"a number beyond every port is no port": {":99999", ":99999"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, r.text(tc.in)); diff != "" {
				t.Errorf("text(%q) (-want +got):\n%s", tc.in, diff)
			}
		})
	}
}

func TestRewriterLeavesPortsOfHostNetwork(t *testing.T) {
	r := newRewriter(nil, map[int32]bool{8080: true}, "")
	if got := r.text(":8080"); got != ":8080" {
		t.Errorf("text(%q) = %q", ":8080", got)
	}
}

func TestPodPorts(t *testing.T) {
	spec := &corev1.PodSpec{
		InitContainers: []corev1.Container{{Ports: []corev1.ContainerPort{{ContainerPort: 1}}}},
		Containers: []corev1.Container{{
			Ports:          []corev1.ContainerPort{{ContainerPort: 2, Name: "http"}},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(3)}}},
			LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("http")}}},
			StartupProbe:   &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(4)}}},
		}},
	}
	want := map[int32]bool{1: true, 2: true, 3: true, 4: true}
	if diff := cmp.Diff(want, podPorts(spec)); diff != "" {
		t.Errorf("podPorts (-want +got):\n%s", diff)
	}
}
