//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// view is everything that a pod's status follows from.
type view struct {
	pod       *corev1.Pod // its status is the base: what others wrote is kept
	states    []*containerState
	podIP     string
	hostIP    string
	startTime time.Time
	prepared  bool // address and volumes are there
	deleting  bool
	now       time.Time
}

// status computes the pod's status.
func (v view) status() corev1.PodStatus {
	st := *v.pod.Status.DeepCopy()
	st.Phase = v.phase()
	st.ObservedGeneration = v.pod.Generation
	st.HostIP, st.HostIPs = v.hostIP, []corev1.HostIP{{IP: v.hostIP}}
	st.PodIP, st.PodIPs = v.podIP, []corev1.PodIP{{IP: v.podIP}}
	if st.StartTime == nil {
		start := stamp(v.startTime)
		st.StartTime = &start
	}
	st.InitContainerStatuses, st.ContainerStatuses = nil, nil
	for _, s := range v.states {
		cs := v.containerStatus(s)
		if s.role == mainRole {
			st.ContainerStatuses = append(st.ContainerStatuses, cs)
		} else {
			st.InitContainerStatuses = append(st.InitContainerStatuses, cs)
		}
	}
	v.conditions(&st)
	return st
}

// phase follows the main containers; a pod whose sidecars still run is Running.
func (v view) phase() corev1.PodPhase {
	if v.pod.Status.Phase == corev1.PodSucceeded || v.pod.Status.Phase == corev1.PodFailed {
		return v.pod.Status.Phase
	}
	running, begun, bad := false, false, false
	for _, s := range v.states {
		running = running || s.running
		if s.role == mainRole {
			begun = begun || s.running || s.last != nil
		}
		if s.role != sidecarRole && s.last != nil && s.last.ExitCode != 0 {
			bad = true
		}
	}
	over := workIsOver(v.states) || v.deleting
	switch {
	case over && !running && (bad || !begun):
		return corev1.PodFailed
	case over && !running:
		return corev1.PodSucceeded
	case begun:
		return corev1.PodRunning
	}
	return corev1.PodPending
}

func (v view) containerStatus(s *containerState) corev1.ContainerStatus {
	started := s.started
	cs := corev1.ContainerStatus{
		Name: s.name, Image: s.image, ImageID: s.imageID, ContainerID: s.id,
		RestartCount: s.restarts, Started: &started,
		Ready: s.ready || (s.role == initRole && s.succeeded()),
	}
	switch {
	case s.running:
		cs.State.Running = &corev1.ContainerStateRunning{StartedAt: stamp(s.startedAt)}
		cs.LastTerminationState.Terminated = s.last
	case s.last != nil && (!s.wanted() || v.deleting || workIsOver(v.states)):
		cs.State.Terminated = s.last
		cs.LastTerminationState.Terminated = s.previous
	default:
		cs.State.Waiting = v.waiting(s)
		cs.LastTerminationState.Terminated = s.last
	}
	return cs
}

func (v view) waiting(s *containerState) *corev1.ContainerStateWaiting {
	switch {
	case s.waitReason != "":
		return &corev1.ContainerStateWaiting{Reason: s.waitReason, Message: s.waitMessage}
	case s.last != nil && s.backoff.pause > 0:
		return &corev1.ContainerStateWaiting{
			Reason:  reasonCrashLoop,
			Message: fmt.Sprintf("back-off %s restarting failed container=%s", s.backoff.pause, s.name),
		}
	case v.prepared && s.role == mainRole && slices.ContainsFunc(v.states, func(o *containerState) bool { return o.role == initRole }):
		return &corev1.ContainerStateWaiting{Reason: reasonInit}
	}
	return &corev1.ContainerStateWaiting{Reason: reasonCreating}
}

// conditions sets the conditions that a node owns and leaves the others.
func (v view) conditions(st *corev1.PodStatus) {
	set := func(t corev1.PodConditionType, ok bool, reason, message string) {
		st.Conditions = setCondition(st.Conditions, corev1.PodCondition{
			Type: t, Status: conditionStatus(ok), Reason: reason, Message: message,
			LastTransitionTime: stamp(v.now), ObservedGeneration: v.pod.Generation,
		})
	}
	over := st.Phase == corev1.PodSucceeded || st.Phase == corev1.PodFailed
	set(corev1.PodReadyToStartContainers, v.prepared && !over, "", "")
	if pending := v.names(func(s *containerState) bool { return s.role != mainRole && !v.initialized(s) }); len(pending) > 0 {
		set(corev1.PodInitialized, false, "ContainersNotInitialized", "containers with incomplete status: ["+strings.Join(pending, " ")+"]")
	} else {
		set(corev1.PodInitialized, true, "", "")
	}
	reason, message := v.unready(st.Phase)
	set(corev1.ContainersReady, reason == "", reason, message)
	if reason == "" {
		reason, message = v.gates(st.Conditions)
	}
	set(corev1.PodReady, reason == "", reason, message)
}

// initialized tells that an init container lets the main containers begin, or
// has done so.
func (v view) initialized(s *containerState) bool {
	if s.role == initRole {
		return s.succeeded()
	}
	return s.started || slices.ContainsFunc(v.states, func(o *containerState) bool {
		return o.role == mainRole && (o.running || o.last != nil)
	})
}

// unready says why the containers are not all ready; "" = they are.
func (v view) unready(phase corev1.PodPhase) (reason, message string) {
	switch phase {
	case corev1.PodSucceeded:
		return "PodCompleted", ""
	case corev1.PodFailed:
		return "PodFailed", ""
	default:
	}
	names := v.names(func(s *containerState) bool { return s.role != initRole && !s.ready })
	if len(names) > 0 {
		return "ContainersNotReady", "containers with unready status: [" + strings.Join(names, " ") + "]"
	}
	return "", ""
}

// gates says which readiness gate is not met.
func (v view) gates(conditions []corev1.PodCondition) (reason, message string) {
	for _, gate := range v.pod.Spec.ReadinessGates {
		met := slices.ContainsFunc(conditions, func(c corev1.PodCondition) bool {
			return c.Type == gate.ConditionType && c.Status == corev1.ConditionTrue
		})
		if !met {
			return "ReadinessGatesNotReady", fmt.Sprintf("the condition %q is not true", gate.ConditionType)
		}
	}
	return "", ""
}

func (v view) names(which func(*containerState) bool) []string {
	var out []string
	for _, s := range v.states {
		if which(s) {
			out = append(out, s.name)
		}
	}
	return out
}

func conditionStatus(ok bool) corev1.ConditionStatus {
	if ok {
		return corev1.ConditionTrue
	}
	return corev1.ConditionFalse
}

// setCondition replaces or adds a condition; the time of the last transition
// moves only with the status.
func setCondition(list []corev1.PodCondition, c corev1.PodCondition) []corev1.PodCondition {
	for i := range list {
		if list[i].Type != c.Type {
			continue
		}
		if list[i].Status == c.Status {
			c.LastTransitionTime = list[i].LastTransitionTime
		}
		list[i] = c
		return list
	}
	return append(list, c)
}
