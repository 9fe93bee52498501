package controllers

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
)

// restarted returns the scene as a new leader sees it: the status of the old one,
// no memory, no look yet.
func restarted(changes ...func(*observed)) *observed {
	before := scene(changes...)
	after := scene(changes...)
	after.queue.Status = statusOf(before, decide(before), outcome{})
	after.sight = poll.Observation{}
	return after
}

func TestNewLeaderSaysNothingNew(t *testing.T) {
	tests := map[string][]func(*observed){
		"all is well":              nil,
		"scaled":                   {scaling(0, 5), waiting(8)},
		"asleep":                   {scaling(0, 5), standing(0), workers(0, 0, 0), func(s *observed) { s.queue.Status.DesiredReplicas = 0 }},
		"Redis away":               {unreachable, scaling(0, 5)},
		"beside Hyperf":            {foreigners(poll.ForeignersSeen)},
		"closed":                   {intake(queuev1alpha1.IntakeClosed), gate(true, nil)},
		"closed in vain":           {intake(queuev1alpha1.IntakeClosed), gate(true, &poll.Fault{Message: "no permission"})},
		"suspended, with a reload": {suspended, reloaded, withCronJob, paused, workers(0, 0, 0)},
	}
	for name, changes := range tests {
		t.Run(name, func(t *testing.T) {
			after := restarted(changes...)
			status := statusOf(after, decide(after), outcome{})
			for i, want := range after.queue.Status.Conditions {
				if got := status.Conditions[i]; got != want {
					t.Errorf("condition %+v, want %+v", got, want)
				}
			}
			if len(status.Conditions) != len(after.queue.Status.Conditions) {
				t.Errorf("conditions %+v, want %+v", status.Conditions, after.queue.Status.Conditions)
			}
		})
	}
}

func TestWhatWasSeenOfAnotherSpecIsForgotten(t *testing.T) {
	seen := restarted()
	seen.queue.Generation = 2
	if v := judgeReachable(seen); v.status != metav1.ConditionUnknown {
		t.Errorf("reachable %+v, want it unknown", v)
	}
}

// A conflict that only the elder's workers show must outlive a change of leader:
// else the younger would start its workers until the first look.
func TestNewLeaderKeepsAConflict(t *testing.T) {
	elder := &queuev1alpha1.AsyncQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "elder", UID: "elder"}}
	namesake := &queuev1alpha1.AsyncQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "eld", UID: "eld"}}
	seen := restarted(conflicting)
	seen.elder, seen.elders = nil, []*queuev1alpha1.AsyncQueue{namesake, elder}
	if got, want := findRival(seen), (types.NamespacedName{Namespace: "other", Name: "elder"}); got == nil || *got != want {
		t.Fatalf("rival %v before the first look, want %v", got, want)
	}
	seen.sight = poll.Observation{At: noon}
	if got := findRival(seen); got != nil {
		t.Errorf("rival %v after a look that did not find its workers", got)
	}
	seen.sight = poll.Observation{}
	seen.queue.Generation = 2
	if got := findRival(seen); got != nil {
		t.Errorf("rival %v of another spec", got)
	}
}

// An outage says nothing about the elder's workers, and they need time to come back
// after it. Once the elder is deleted, its workers that still drain are no rivals.
func TestConflictOutlivesAnOutage(t *testing.T) {
	elder := &queuev1alpha1.AsyncQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "elder", UID: "elder"}}
	seen := scene(func(s *observed) {
		s.elders, s.sight.Owners = []*queuev1alpha1.AsyncQueue{elder}, []string{"elder", "uid"}
	})
	steps := []struct {
		what   string
		after  time.Duration
		change func(*observed)
		want   bool
	}{
		{"its workers are there", 0, func(*observed) {}, true},
		{"Redis is away", time.Hour, unreachable, true},
		{"Redis is back, without them", time.Second, func(s *observed) {
			s.sight = poll.Observation{At: s.now, Since: s.now}
		}, true},
		{"they do not come back", rivalPatience, func(s *observed) { s.sight.At = s.now }, false},
		{"they do", time.Second, func(s *observed) { s.sight.Owners = []string{"elder"} }, true},
		{"the elder is deleted, its workers drain", time.Second, func(s *observed) { s.elders = nil }, false},
	}
	for _, step := range steps {
		seen.now = seen.now.Add(step.after)
		step.change(seen)
		if got := findRival(seen); (got != nil) != step.want {
			t.Errorf("%s: rival %v, want one: %t", step.what, got, step.want)
		}
	}
}

// A queue that scaled long ago and then did not must not go to zero at once when
// it scales again.
func TestScalingAgainBeginsAnew(t *testing.T) {
	seen := scene(scaling(0, 5), standing(0), workers(0, 0, 0), func(s *observed) { s.queue.Status.DesiredReplicas = 0 })
	seen.memory.scaling = decide(seen).scalingState()

	fixed := scene(func(s *observed) { s.queue.Spec.Replicas, s.memory = ptr.To[int32](3), seen.memory })
	fixed.memory.scaling = decide(fixed).scalingState()

	again := scene(scaling(0, 5), func(s *observed) {
		s.queue.Status.DesiredReplicas, s.memory, s.now = 3, fixed.memory, noon.Add(time.Hour)
		s.scaleInWindow = 10 * time.Second
	})
	if p := decide(again); p.replicas != 3 {
		t.Errorf("%d replicas at once (%s), want 3", p.replicas, p.message)
	}
}

func TestSecretIsReadAgainSoonWhereItMayHelp(t *testing.T) {
	refused := func(s *observed) {
		s.connection.Until = noon.Add(time.Minute)
		s.sight.Fault = &poll.Fault{Reason: queuev1alpha1.ReasonRedisAuthenticationFailed, Message: "refused"}
	}
	tests := map[string]struct {
		seen *observed
		want time.Duration
	}{
		"a password that is refused": {scene(refused), 3 * time.Second},
		"without a Secret":           {scene(refused, func(s *observed) { s.connection.Until = time.Time{} }), 0},
		"all is well":                {scene(refused, func(s *observed) { s.sight.Fault = nil }), time.Minute},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := again(tc.seen, decide(tc.seen), outcome{}); got != tc.want {
				t.Errorf("again after %s, want %s", got, tc.want)
			}
		})
	}
}
