//go:build linux

package main

import (
	"errors"
	"flag"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		args    string
		wantErr string
	}{
		"all there":             {args: "--kubeconfig k --state-dir s --node-name n --image a=/b --pod-cidr 127.9.0.0/24"},
		"no kubeconfig":         {args: "--kubeconfig= --state-dir s", wantErr: "--kubeconfig is missing"},
		"no state directory":    {args: "--kubeconfig k", wantErr: "--state-dir is missing"},
		"no node name":          {args: "--kubeconfig k --state-dir s --node-name=", wantErr: "--node-name is empty"},
		"a range elsewhere":     {args: "--kubeconfig k --state-dir s --pod-cidr 10.0.0.0/8", wantErr: "is not a range inside 127.0.0.0/8"},
		"no range":              {args: "--kubeconfig k --state-dir s --pod-cidr x", wantErr: "--pod-cidr: "},
		"half an image":         {args: "--kubeconfig k --state-dir s --image a", wantErr: `"a" is not ref=PROGRAM`},
		"a negative grace":      {args: "--kubeconfig k --state-dir s --shutdown-grace -1s", wantErr: "--shutdown-grace is negative"},
		"an argument too many":  {args: "--kubeconfig k --state-dir s up", wantErr: `unexpected argument "up"`},
		"a flag nobody has":     {args: "--nope", wantErr: "not defined: -nope"},
		"a value that is wrong": {args: "--shutdown-grace soon", wantErr: "invalid value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(strings.Fields(tc.args), io.Discard)
			if !errorIs(err, tc.wantErr) || (err != nil && (!errors.Is(err, errUsage) || strings.Contains(err.Error(), "\n"))) {
				t.Errorf("error %v, want %q", err, tc.wantErr)
			}
		})
	}
	if _, err := parse([]string{"--help"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	a := newAddresses(netip.MustParsePrefix("127.9.0.0/29"))
	var got []string
	for range 6 {
		ip, err := a.take()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ip.String())
	}
	want := []string{"127.9.0.1", "127.9.0.2", "127.9.0.3", "127.9.0.4", "127.9.0.5", "127.9.0.6"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if _, err := a.take(); err == nil {
		t.Error("there was one more")
	}
	a.release(netip.MustParseAddr("127.9.0.4"))
	if ip, err := a.take(); err != nil || ip.String() != "127.9.0.4" {
		t.Errorf("after a release: %s, %v", ip, err)
	}
}

func TestClaimDir(t *testing.T) {
	dir := t.TempDir()
	release, err := claimDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claimDir(dir); !errorIs(err, "another node uses the state directory") {
		t.Errorf("a second claim: %v", err)
	}
	release()
	again, err := claimDir(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again()
}

func TestRefuse(t *testing.T) {
	deadline := int64(1)
	for name, tc := range map[string]struct {
		spec    corev1.PodSpec
		wantErr string
	}{
		"an ordinary pod": {spec: corev1.PodSpec{
			Containers: []corev1.Container{{VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/x"}}}},
			Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{}}},
			}}}},
		}},
		"a deadline": {spec: corev1.PodSpec{ActiveDeadlineSeconds: &deadline}, wantErr: "activeDeadlineSeconds"},
		"a claim": {
			spec:    corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}}}},
			wantErr: `volume "v" is of a kind`,
		},
		"a mount over everything": {
			spec:    corev1.PodSpec{Containers: []corev1.Container{{Name: "c", VolumeMounts: []corev1.VolumeMount{{MountPath: "/"}}}}},
			wantErr: `container "c": a mount at / is not supported`,
		},
		"a grpc probe": {
			spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "c", LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{}}},
			}}},
			wantErr: `a probe other than httpGet, tcpSocket or exec`,
		},
		"a hook in an init container": {
			spec:    corev1.PodSpec{InitContainers: []corev1.Container{{Name: "i", Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}}}}},
			wantErr: `container "i": lifecycle hooks are not supported`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := refuse(&tc.spec); !errorIs(err, tc.wantErr) {
				t.Errorf("error %v, want %q", err, tc.wantErr)
			}
		})
	}
}
