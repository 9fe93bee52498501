package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/asyncqueue/operator/controllers/poll"
)

func podWith(name, cost string) metav1.PartialObjectMetadata {
	pod := metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if cost != "" {
		pod.Annotations = map[string]string{corev1.PodDeletionCost: cost}
	}
	return pod
}

func goingPod(name string) metav1.PartialObjectMetadata {
	pod := podWith(name, "")
	pod.DeletionTimestamp = &metav1.Time{Time: noon}
	return pod
}

func TestCostsOf(t *testing.T) {
	busy := func(pod string, running int) poll.Worker {
		return poll.Worker{ID: pod + "-1", Pod: pod, Running: running}
	}
	tests := map[string]struct {
		pods    []metav1.PartialObjectMetadata
		workers []poll.Worker
		want    map[int]int
	}{
		"no pods":                  {},
		"all idle":                 {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "")}},
		"all equally busy":         {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "")}, workers: []poll.Worker{busy("a", 3), busy("b", 3)}},
		"one of them busy":         {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "")}, workers: []poll.Worker{busy("a", 0), busy("b", 3)}, want: map[int]int{1: 3}},
		"known already":            {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "3")}, workers: []poll.Worker{busy("b", 3)}, want: map[int]int{}},
		"busy once, idle now":      {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "3")}, want: map[int]int{1: 0}},
		"a worker that starts":     {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "")}, workers: []poll.Worker{busy("b", 1)}, want: map[int]int{1: 1}},
		"two processes of one pod": {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "")}, workers: []poll.Worker{busy("a", 1), busy("a", 2)}, want: map[int]int{0: 3}},
		"workers elsewhere":        {pods: []metav1.PartialObjectMetadata{podWith("a", ""), podWith("b", "")}, workers: []poll.Worker{busy("", 4), busy("x", 4)}},
		"one that goes already":    {pods: []metav1.PartialObjectMetadata{goingPod("a"), podWith("b", ""), podWith("c", "")}, workers: []poll.Worker{busy("a", 5), busy("c", 1)}, want: map[int]int{2: 1}},
		"a cost that is none":      {pods: []metav1.PartialObjectMetadata{podWith("a", "much"), podWith("b", "")}, workers: []poll.Worker{busy("a", 1)}, want: map[int]int{0: 1}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, costsOf(tc.pods, tc.workers)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
