//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// state makes a container's state out of its name, role and policy.
func state(name string, r role, policy corev1.RestartPolicy, with ...func(*containerState)) *containerState {
	s := &containerState{name: name, role: r, policy: policy}
	for _, w := range with {
		w(s)
	}
	return s
}

func runs(s *containerState)  { s.running, s.startedAt = true, noon }
func begun(s *containerState) { runs(s); s.started, s.ready = true, true }

// ended is a last run with this exit code that ended the given time ago.
func ended(code int32, ago time.Duration) func(*containerState) {
	return func(s *containerState) {
		s.last = &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: metav1.NewTime(noon.Add(-ago))}
	}
}

func pausing(d time.Duration) func(*containerState) {
	return func(s *containerState) { s.backoff = backoff{exits: 2, pause: d} }
}

func TestNext(t *testing.T) {
	const always, onFailure, never = corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever
	for name, tc := range map[string]struct {
		states    []*containerState
		wantStart []string
		wantStop  []string
		wantWake  time.Duration // from noon; 0 = none
	}{
		"all main containers start together": {
			states:    []*containerState{state("a", mainRole, always), state("b", mainRole, always)},
			wantStart: []string{"a", "b"},
		},
		"init containers start one by one": {
			states:    []*containerState{state("i", initRole, onFailure), state("j", initRole, onFailure), state("a", mainRole, always)},
			wantStart: []string{"i"},
		},
		"the next init container waits for the one that runs": {
			states: []*containerState{state("i", initRole, onFailure, runs), state("j", initRole, onFailure), state("a", mainRole, always)},
		},
		"main containers follow the last init container": {
			states:    []*containerState{state("i", initRole, onFailure, ended(0, 0)), state("a", mainRole, always)},
			wantStart: []string{"a"},
		},
		"an init container that failed is tried again": {
			states:    []*containerState{state("i", initRole, onFailure, ended(1, 0)), state("a", mainRole, always)},
			wantStart: []string{"i"},
		},
		"but not under Never": {
			states: []*containerState{state("i", initRole, never, ended(1, 0)), state("a", mainRole, never)},
		},
		"a sidecar lets others in when it has started": {
			states:    []*containerState{state("s", sidecarRole, always, begun), state("a", mainRole, always)},
			wantStart: []string{"a"},
		},
		"and holds them up before": {
			states: []*containerState{state("s", sidecarRole, always, runs), state("a", mainRole, always)},
		},
		"a sidecar that died comes back while the work goes on": {
			states:    []*containerState{state("s", sidecarRole, always, ended(1, 0)), state("a", mainRole, never, runs)},
			wantStart: []string{"s"},
		},
		"a sidecar ends with the work": {
			states:   []*containerState{state("s", sidecarRole, always, begun), state("a", mainRole, never, ended(0, 0))},
			wantStop: []string{"s"},
		},
		"a sidecar that ended with the work stays down": {
			states: []*containerState{state("s", sidecarRole, always, ended(0, 0)), state("a", mainRole, never, ended(0, 0))},
		},
		"a sidecar ends when an init container has failed for good": {
			states:   []*containerState{state("s", sidecarRole, always, begun), state("i", initRole, never, ended(1, 0)), state("a", mainRole, never)},
			wantStop: []string{"s"},
		},
		"Always restarts after success": {
			states:    []*containerState{state("a", mainRole, always, ended(0, 0))},
			wantStart: []string{"a"},
		},
		"OnFailure restarts after failure only": {
			states:    []*containerState{state("a", mainRole, onFailure, ended(1, 0)), state("b", mainRole, onFailure, ended(0, 0))},
			wantStart: []string{"a"},
		},
		"Never restarts nothing": {
			states: []*containerState{state("a", mainRole, never, ended(1, 0)), state("b", mainRole, never, runs)},
		},
		"a restart waits for its back-off": {
			states: []*containerState{
				state("a", mainRole, always, ended(1, 4*time.Second), pausing(10*time.Second)),
				state("b", mainRole, always, ended(1, 4*time.Second), pausing(20*time.Second)),
			},
			wantWake: 6 * time.Second,
		},
		"and comes when it is over": {
			states:    []*containerState{state("a", mainRole, always, ended(1, 10*time.Second), pausing(10*time.Second))},
			wantStart: []string{"a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := next(tc.states, noon)
			if diff := cmp.Diff(tc.wantStart, namesOf(got.start)); diff != "" {
				t.Errorf("start (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantStop, namesOf(got.stop)); diff != "" {
				t.Errorf("stop (-want +got):\n%s", diff)
			}
			var wake time.Duration
			if !got.wake.IsZero() {
				wake = got.wake.Sub(noon)
			}
			if wake != tc.wantWake {
				t.Errorf("wake after %s, want %s", wake, tc.wantWake)
			}
		})
	}
}

func namesOf(states []*containerState) []string {
	var out []string
	for _, s := range states {
		out = append(out, s.name)
	}
	return out
}

func TestBackoff(t *testing.T) {
	var b backoff
	var got []time.Duration
	for range 8 {
		b.exited(time.Second)
		got = append(got, b.pause)
	}
	b.exited(healthyRun)
	got = append(got, b.pause)
	want := []time.Duration{0, 10, 20, 40, 80, 160, 300, 300, 0}
	for i := range want {
		want[i] *= time.Second
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}
