//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestContainerStateThroughItsRuns(t *testing.T) {
	s := state("a", mainRole, corev1.RestartPolicyAlways)
	s.wait(reasonNoImage, "no")
	s.begin("id-0", "image", noon)
	if s.waitReason != "" || s.restarts != 0 || !s.running {
		t.Errorf("after the first start: %+v", s)
	}
	s.end(exit{code: 1}, noon.Add(time.Second))
	s.begin("id-1", "image", noon.Add(time.Second))
	s.ready, s.started = true, true
	s.end(exit{code: 137, signal: 9}, noon.Add(3*time.Second))
	want := &containerState{
		name: "a", role: mainRole, policy: corev1.RestartPolicyAlways, id: "id-1", imageID: "image",
		startedAt: noon.Add(time.Second), restarts: 1, backoff: backoff{exits: 2, pause: firstBackoff},
		last: &corev1.ContainerStateTerminated{
			ExitCode: 137, Signal: 9, Reason: "Error", ContainerID: "id-1",
			StartedAt: metav1.NewTime(noon.Add(time.Second)), FinishedAt: metav1.NewTime(noon.Add(3 * time.Second)),
		},
		previous: &corev1.ContainerStateTerminated{
			ExitCode: 1, Reason: "Error", ContainerID: "id-0",
			StartedAt: metav1.NewTime(noon), FinishedAt: metav1.NewTime(noon.Add(time.Second)),
		},
	}
	if diff := cmp.Diff(want, s, cmp.AllowUnexported(containerState{}, backoff{})); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestStatesOfTakesOver(t *testing.T) {
	restart := corev1.ContainerRestartPolicyAlways
	pod := somePod(corev1.Container{Name: "a"}, corev1.Container{Name: "b"})
	pod.Spec.InitContainers = []corev1.Container{{Name: "i"}, {Name: "s", RestartPolicy: &restart}}
	done := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 0}}
	alive := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(noon)}}
	pod.Status = corev1.PodStatus{
		Phase:                 corev1.PodRunning,
		InitContainerStatuses: []corev1.ContainerStatus{{Name: "i", State: done}, {Name: "s", State: alive, RestartCount: 2}},
		ContainerStatuses:     []corev1.ContainerStatus{{Name: "a", State: alive, RestartCount: 1}, {Name: "b", State: done}},
	}
	type summary struct {
		Name     string
		Role     role
		Policy   corev1.RestartPolicy
		Restarts int32
		Code     int32 // of the last run, -1 = none
	}
	var got []summary
	for _, s := range statesOf(pod, noon) {
		code := int32(-1)
		if s.last != nil {
			code = s.last.ExitCode
		}
		got = append(got, summary{s.name, s.role, s.policy, s.restarts, code})
	}
	want := []summary{
		{"i", initRole, corev1.RestartPolicyOnFailure, 0, -1}, // once more: the volumes are new
		{"s", sidecarRole, corev1.RestartPolicyAlways, 2, 137},
		{"a", mainRole, corev1.RestartPolicyAlways, 1, 137},
		{"b", mainRole, corev1.RestartPolicyAlways, 0, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}
