//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStatus(t *testing.T) {
	const always, never = corev1.RestartPolicyAlways, corev1.RestartPolicyNever
	for name, tc := range map[string]struct {
		states       []*containerState
		deleting     bool
		unprepared   bool
		wantPhase    corev1.PodPhase
		wantReady    string   // reason of the Ready condition, "" = True
		wantInitDone bool     // condition Initialized
		wantShown    []string // per container: waiting reason, "Running", or "Terminated"
	}{
		"nothing has begun": {
			states: []*containerState{state("a", mainRole, always)}, unprepared: true,
			wantPhase: corev1.PodPending, wantReady: "ContainersNotReady", wantInitDone: true, wantShown: []string{reasonCreating},
		},
		"an init container runs": {
			states:    []*containerState{state("i", initRole, always, runs), state("a", mainRole, always)},
			wantPhase: corev1.PodPending, wantReady: "ContainersNotReady", wantShown: []string{"Running", reasonInit},
		},
		"an image is not known": {
			states:    []*containerState{state("a", mainRole, always, func(s *containerState) { s.wait(reasonNoImage, "no") })},
			wantPhase: corev1.PodPending, wantReady: "ContainersNotReady", wantInitDone: true, wantShown: []string{reasonNoImage},
		},
		"it runs and is not ready": {
			states:    []*containerState{state("a", mainRole, always, runs)},
			wantPhase: corev1.PodRunning, wantReady: "ContainersNotReady", wantInitDone: true, wantShown: []string{"Running"},
		},
		"it runs and is ready": {
			states:    []*containerState{state("a", mainRole, always, begun)},
			wantPhase: corev1.PodRunning, wantInitDone: true, wantShown: []string{"Running"},
		},
		"it waits for its restart": {
			states:    []*containerState{state("a", mainRole, always, ended(1, 0), pausing(10*time.Second))},
			wantPhase: corev1.PodRunning, wantReady: "ContainersNotReady", wantInitDone: true, wantShown: []string{reasonCrashLoop},
		},
		"all succeeded": {
			states:    []*containerState{state("a", mainRole, never, ended(0, 0)), state("b", mainRole, never, ended(0, 0))},
			wantPhase: corev1.PodSucceeded, wantReady: "PodCompleted", wantInitDone: true, wantShown: []string{"Terminated", "Terminated"},
		},
		"one failed while another runs": {
			states:    []*containerState{state("a", mainRole, never, ended(1, 0)), state("b", mainRole, never, begun)},
			wantPhase: corev1.PodRunning, wantReady: "ContainersNotReady", wantInitDone: true, wantShown: []string{"Terminated", "Running"},
		},
		"one failed and none runs": {
			states:    []*containerState{state("a", mainRole, never, ended(1, 0)), state("b", mainRole, never, ended(0, 0))},
			wantPhase: corev1.PodFailed, wantReady: "PodFailed", wantInitDone: true, wantShown: []string{"Terminated", "Terminated"},
		},
		"an init container failed for good": {
			states:    []*containerState{state("i", initRole, never, ended(1, 0)), state("a", mainRole, never)},
			wantPhase: corev1.PodFailed, wantReady: "PodFailed", wantShown: []string{"Terminated", reasonInit},
		},
		"the work is done and a sidecar is stopping": {
			states:    []*containerState{state("s", sidecarRole, always, begun), state("a", mainRole, never, ended(0, 0))},
			wantPhase: corev1.PodRunning, wantReady: "ContainersNotReady", wantInitDone: true, wantShown: []string{"Running", "Terminated"},
		},
		"a sidecar's exit code does not count": {
			states:    []*containerState{state("s", sidecarRole, always, ended(143, 0)), state("a", mainRole, never, ended(0, 0))},
			wantPhase: corev1.PodSucceeded, wantReady: "PodCompleted", wantInitDone: true, wantShown: []string{"Terminated", "Terminated"},
		},
		"deleted, stopping": {
			states: []*containerState{state("a", mainRole, always, begun)}, deleting: true,
			wantPhase: corev1.PodRunning, wantInitDone: true, wantShown: []string{"Running"},
		},
		"deleted, drained": {
			states: []*containerState{state("a", mainRole, always, ended(0, 0))}, deleting: true,
			wantPhase: corev1.PodSucceeded, wantReady: "PodCompleted", wantInitDone: true, wantShown: []string{"Terminated"},
		},
		"deleted, killed": {
			states: []*containerState{state("a", mainRole, always, ended(137, 0))}, deleting: true,
			wantPhase: corev1.PodFailed, wantReady: "PodFailed", wantInitDone: true, wantShown: []string{"Terminated"},
		},
		"deleted before it began": {
			states: []*containerState{state("a", mainRole, always)}, deleting: true,
			wantPhase: corev1.PodFailed, wantReady: "PodFailed", wantInitDone: true, wantShown: []string{reasonCreating},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := view{
				pod: somePod(), states: tc.states, podIP: "127.77.0.9", hostIP: hostIP, startTime: noon,
				prepared: !tc.unprepared, deleting: tc.deleting, now: noon,
			}
			st := v.status()
			if st.Phase != tc.wantPhase {
				t.Errorf("phase %s, want %s", st.Phase, tc.wantPhase)
			}
			ready := conditionOf(t, st, corev1.PodReady)
			if ready.Reason != tc.wantReady || (ready.Status == corev1.ConditionTrue) != (tc.wantReady == "") {
				t.Errorf("Ready is %s because of %q, want reason %q", ready.Status, ready.Reason, tc.wantReady)
			}
			if done := conditionOf(t, st, corev1.PodInitialized).Status == corev1.ConditionTrue; done != tc.wantInitDone {
				t.Errorf("Initialized is %t, want %t", done, tc.wantInitDone)
			}
			if diff := cmp.Diff(tc.wantShown, shown(st)); diff != "" {
				t.Errorf("containers (-want +got):\n%s", diff)
			}
			v.pod.Status = st
			if diff := cmp.Diff(st, v.status()); diff != "" {
				t.Errorf("the same state makes another status (-first +second):\n%s", diff)
			}
		})
	}
}

func conditionOf(t *testing.T, st corev1.PodStatus, kind corev1.PodConditionType) corev1.PodCondition {
	t.Helper()
	for _, c := range st.Conditions {
		if c.Type == kind {
			return c
		}
	}
	t.Fatalf("no condition %s", kind)
	return corev1.PodCondition{}
}

func shown(st corev1.PodStatus) []string {
	var out []string
	for _, cs := range append(st.InitContainerStatuses, st.ContainerStatuses...) {
		switch {
		case cs.State.Running != nil:
			out = append(out, "Running")
		case cs.State.Terminated != nil:
			out = append(out, "Terminated")
		default:
			out = append(out, cs.State.Waiting.Reason)
		}
	}
	return out
}

func TestStatusKeepsWhatOthersWrote(t *testing.T) {
	pod := somePod()
	before := metav1.NewTime(noon.Add(-time.Hour))
	pod.Status = corev1.PodStatus{
		QOSClass: corev1.PodQOSBurstable,
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: before},
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: before},
		},
	}
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.dev/gate"}}
	v := view{pod: pod, states: []*containerState{state("a", mainRole, corev1.RestartPolicyAlways, begun)}, prepared: true, now: noon}
	st := v.status()
	if st.QOSClass != corev1.PodQOSBurstable {
		t.Errorf("QoS class %q", st.QOSClass)
	}
	if c := conditionOf(t, st, corev1.PodScheduled); !c.LastTransitionTime.Equal(&before) {
		t.Errorf("PodScheduled was touched: %v", c)
	}
	if c := conditionOf(t, st, corev1.PodReady); c.Reason != "ReadinessGatesNotReady" || !c.LastTransitionTime.Time.Equal(noon) {
		t.Errorf("Ready: %v", c)
	}
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: "example.dev/gate", Status: corev1.ConditionTrue})
	if c := conditionOf(t, v.status(), corev1.PodReady); c.Status != corev1.ConditionTrue || !c.LastTransitionTime.Equal(&before) {
		t.Errorf("Ready with its gate open: %v", c)
	}
}
