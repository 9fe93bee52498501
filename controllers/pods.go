package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/desired"
)

const (
	// podPatience is how long workers may be missing before their pods are looked
	// at, and how long until the next look; that doubles up to longestPodPause.
	podPatience     = 10 * time.Second
	longestPodPause = 2 * time.Minute
	// podSample is how many pods are looked at.
	podSample = 20
)

// observePods finds out why workers that should run do not. Pods are neither
// watched nor cached: they are listed only while something is wrong.
func (r *Reconciler) observePods(ctx context.Context, seen *observed) error {
	d := seen.deployment
	if d == nil || ptr.Deref(d.Spec.Replicas, 1) == 0 || d.Status.ReadyReplicas >= ptr.Deref(d.Spec.Replicas, 1) && !isRollingOut(d) {
		seen.memory.pods, seen.memory.podsPause = "", 0
		return nil
	}
	if trouble := deploymentTrouble(d); trouble != "" {
		seen.podTrouble = trouble
		return nil
	}
	if seen.now.Sub(missingSince(seen)) < podPatience {
		return nil
	}
	if seen.now.Sub(seen.memory.podsAt) >= seen.memory.podsPause {
		var pods corev1.PodList
		if err := r.Reader.List(ctx, &pods, client.InNamespace(d.Namespace), client.MatchingLabels(desired.Selector(seen.queue.Name)), client.Limit(podSample)); err != nil {
			return fmt.Errorf("listing worker pods: %w", err)
		}
		seen.memory.looked(podTrouble(pods.Items), seen.now)
	}
	seen.podTrouble = seen.memory.pods
	return nil
}

// looked notes what was wrong with the pods. What stays as it is is looked at less
// and less often.
func (m *memory) looked(trouble string, now time.Time) {
	pause := podPatience
	if trouble == m.pods && m.podsPause > 0 {
		pause = min(2*m.podsPause, longestPodPause)
	}
	m.pods, m.podsAt, m.podsPause = trouble, now, pause
}

// nextPodLook is when pods that are missing should be looked at, first or again.
func nextPodLook(seen *observed) time.Time {
	if seen.memory.podsPause == 0 {
		return seen.now.Add(podPatience)
	}
	return seen.memory.podsAt.Add(seen.memory.podsPause)
}

// missingSince is since when workers have been missing, as the status says.
func missingSince(seen *observed) time.Time {
	c := meta.FindStatusCondition(seen.queue.Status.Conditions, queuev1alpha1.ConditionWorkersAvailable)
	if c == nil || c.Status != metav1.ConditionFalse {
		return seen.now
	}
	return c.LastTransitionTime.Time
}

// deploymentTrouble is what the Deployment itself says to be wrong.
func deploymentTrouble(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return "pods are refused: " + c.Message
		}
	}
	return ""
}

// isStuck says that a rollout has not moved within its deadline.
func isStuck(d *appsv1.Deployment) bool {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse {
			return true
		}
	}
	return false
}

// podTrouble says what keeps the first troubled pod from becoming ready; empty:
// nothing that waiting may not cure.
func podTrouble(pods []corev1.Pod) string {
	for i := range pods {
		if trouble := troubleOf(&pods[i]); trouble != "" {
			return trouble
		}
	}
	return ""
}

func troubleOf(pod *corev1.Pod) string {
	if !pod.DeletionTimestamp.IsZero() {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return "pods cannot be scheduled: their events say why"
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, s := range statuses {
			if trouble := containerTrouble(s); trouble != "" {
				return trouble
			}
		}
	}
	return ""
}

// containerTrouble names a container's trouble in words that do not change from
// one try of the kubelet to the next.
func containerTrouble(s corev1.ContainerStatus) string {
	if waiting := s.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable":
			return fmt.Sprintf("container %s: the image %s cannot be pulled", s.Name, s.Image)
		case "InvalidImageName":
			return fmt.Sprintf("container %s: %q is no name of an image", s.Name, s.Image)
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError":
			return fmt.Sprintf("container %s cannot be started: %s", s.Name, waiting.Message)
		}
	}
	if last := s.LastTerminationState.Terminated; last != nil && !s.Ready && s.RestartCount > 0 {
		if last.Reason == "OOMKilled" {
			return fmt.Sprintf("container %s runs out of memory", s.Name)
		}
		if last.Reason == "StartError" || last.Reason == "ContainerCannotRun" { // it has no log
			return fmt.Sprintf("container %s cannot be started: %s", s.Name, last.Message)
		}
		return fmt.Sprintf("container %s keeps ending with exit code %d: its log says why", s.Name, last.ExitCode)
	}
	return ""
}
