//go:build linux

package main

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// role is the part that a container plays in its pod.
type role int

const (
	initRole    role = iota // runs to success before the next starts
	sidecarRole             // an init container with restartPolicy Always
	mainRole
)

// containerState is what is known of one container; the status of the pod and
// the next step are pure functions of it.
type containerState struct {
	name    string
	image   string
	imageID string
	role    role
	policy  corev1.RestartPolicy

	id        string // of the present or last run
	running   bool
	startedAt time.Time // of the present run
	started   bool      // the startup probe, if any, has succeeded
	ready     bool

	last     *corev1.ContainerStateTerminated // the last run that ended, nil before
	previous *corev1.ContainerStateTerminated // the one before that
	restarts int32
	backoff  backoff

	waitReason  string // why it has not started; "" = its turn has not come
	waitMessage string
}

// statesOf makes the states of a pod's containers, init containers first. What
// an earlier run of the node reported is taken over: its processes are gone.
func statesOf(pod *corev1.Pod, now time.Time) []*containerState {
	var out []*containerState
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		s := &containerState{name: c.Name, image: c.Image, role: initRole, policy: initPolicy(pod)}
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			s.role, s.policy = sidecarRole, corev1.RestartPolicyAlways
		}
		out = append(out, s)
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		s := &containerState{name: c.Name, image: c.Image, role: mainRole, policy: pod.Spec.RestartPolicy}
		if c.RestartPolicy != nil {
			s.policy = corev1.RestartPolicy(*c.RestartPolicy)
		}
		out = append(out, s)
	}
	old := map[string]corev1.ContainerStatus{}
	for _, cs := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		old[cs.Name] = cs
	}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return out // nothing will run, and the status stands as it is
	}
	for _, s := range out {
		if cs, ok := old[s.name]; ok {
			s.takeOver(cs, now)
		}
	}
	return out
}

// allContainers lists a pod's containers, init containers first.
func allContainers(spec *corev1.PodSpec) []corev1.Container {
	return slices.Concat(spec.InitContainers, spec.Containers)
}

// initPolicy is the pod's policy as it applies to init containers: success is
// final for them under any policy.
func initPolicy(pod *corev1.Pod) corev1.RestartPolicy {
	if pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		return corev1.RestartPolicyNever
	}
	return corev1.RestartPolicyOnFailure
}

func (s *containerState) takeOver(cs corev1.ContainerStatus, now time.Time) {
	s.restarts, s.id, s.imageID = cs.RestartCount, cs.ContainerID, cs.ImageID
	if s.role == initRole {
		return // it runs again: the volumes that it filled are new
	}
	s.last, s.previous = cs.LastTerminationState.Terminated, nil
	switch {
	case cs.State.Terminated != nil:
		s.last, s.previous = cs.State.Terminated, s.last
	case cs.State.Running != nil:
		s.previous = s.last
		s.last = &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: "ContainerStatusUnknown", ContainerID: cs.ContainerID,
			Message:   "the node was restarted and its processes with it",
			StartedAt: cs.State.Running.StartedAt, FinishedAt: stamp(now),
		}
	}
}

// stamp has the precision of the API, so that what was written compares equal
// to what is read back.
func stamp(t time.Time) metav1.Time { return metav1.NewTime(t.Truncate(time.Second)) }

// begin records a start.
func (s *containerState) begin(id, imageID string, now time.Time) {
	if s.last != nil {
		s.restarts++
	}
	s.id, s.imageID = id, imageID
	s.running, s.started, s.ready = true, false, false
	s.startedAt = now
	s.waitReason, s.waitMessage = "", ""
}

// end records how the present run ended.
func (s *containerState) end(e exit, now time.Time) {
	reason := "Error"
	if e.code == 0 {
		reason = "Completed"
	}
	s.previous = s.last
	s.last = &corev1.ContainerStateTerminated{
		ExitCode: e.code, Signal: e.signal, Reason: reason, Message: e.message, ContainerID: s.id,
		StartedAt: stamp(s.startedAt), FinishedAt: stamp(now),
	}
	s.running, s.started, s.ready = false, false, false
	s.backoff.exited(now.Sub(s.startedAt))
}

// wait records why the container cannot start.
func (s *containerState) wait(reason, message string) {
	s.waitReason, s.waitMessage = reason, message
}

// wanted tells whether the container, which does not run, is to run (again).
func (s *containerState) wanted() bool {
	if s.last == nil {
		return true
	}
	switch s.policy {
	case corev1.RestartPolicyAlways:
		return true
	case corev1.RestartPolicyOnFailure:
		return s.last.ExitCode != 0
	default:
		return false
	}
}

// due is the earliest time of the next start.
func (s *containerState) due() time.Time {
	if s.last == nil {
		return time.Time{}
	}
	return s.last.FinishedAt.Add(s.backoff.pause)
}

// succeeded tells that the container is done and its last run ended well.
func (s *containerState) succeeded() bool {
	return !s.running && s.last != nil && s.last.ExitCode == 0 && !s.wanted()
}

// failed tells that the container is done and its last run ended badly.
func (s *containerState) failed() bool {
	return !s.running && s.last != nil && s.last.ExitCode != 0 && !s.wanted()
}

// exit is the end of a process.
type exit struct {
	code    int32 // 128 + signal where a signal ended it
	signal  int32
	message string
}
