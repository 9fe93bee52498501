package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPodTrouble(t *testing.T) {
	pulling := func(reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{
			Name: "worker", Image: "example.com/x:1",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "Back-off 20s"}},
		}
	}
	ended := func(reason string, code int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{
			Name: "worker", RestartCount: 2,
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, ExitCode: code}},
		}
	}
	crashing := ended("Error", 2)
	crashing.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
	recovered := ended("Error", 2)
	recovered.Ready = true
	unstartable := ended("StartError", 128)
	unstartable.LastTerminationState.Terminated.Message = `exec: "php": not found`
	tests := map[string]struct {
		status corev1.PodStatus
		want   string
	}{
		"nothing yet":     {corev1.PodStatus{}, ""},
		"being created":   {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{pulling("ContainerCreating")}}, ""},
		"no image":        {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{pulling("ErrImagePull")}}, "container worker: the image example.com/x:1 cannot be pulled"},
		"still no image":  {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{pulling("ImagePullBackOff")}}, "container worker: the image example.com/x:1 cannot be pulled"},
		"a bad name":      {corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{pulling("InvalidImageName")}}, `container worker: "example.com/x:1" is no name of an image`},
		"crashing":        {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{crashing}}, "container worker keeps ending with exit code 2: its log says why"},
		"between crashes": {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended("Error", 2)}}, "container worker keeps ending with exit code 2: its log says why"},
		"out of memory":   {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{ended("OOMKilled", 137)}}, "container worker runs out of memory"},
		"no such command": {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{unstartable}}, `container worker cannot be started: exec: "php": not found`},
		"recovered":       {corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{recovered}}, ""},
		"nowhere to run": {corev1.PodStatus{Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
		}}}, "pods cannot be scheduled: their events say why"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			pods := []corev1.Pod{{}, {Status: tc.status}}
			if got := podTrouble(pods); got != tc.want {
				t.Errorf("podTrouble() = %q, want %q", got, tc.want)
			}
			now := metav1.Now()
			pods[1].DeletionTimestamp = &now
			if got := podTrouble(pods); got != "" {
				t.Errorf("a pod that goes is in trouble: %q", got)
			}
		})
	}
}
