package controllers

import (
	"errors"
	"testing"
	"time"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// created is a queue that was reconciled for the first time so long ago, and has no status yet.
func created(ago time.Duration) func(*observed) {
	return func(s *observed) {
		s.queue.Status = queuev1alpha1.AsyncQueueStatus{}
		s.memory.since = s.now.Add(-ago)
	}
}

func unanswered(s *observed) { s.deployment.Status.ObservedGeneration = 0 }

func TestFirstStatusWaitsForAnswers(t *testing.T) {
	soon := answersWithin / 2
	tests := map[string]struct {
		seen    *observed
		outcome outcome
		want    bool
	}{
		"Redis was not looked at":                  {scene(created(soon), neverSeen), outcome{}, true},
		"the Deployment's controller has not seen": {scene(created(soon), unanswered), outcome{}, true},
		"both have answered":                       {scene(created(soon)), outcome{}, false},
		"Redis cannot be reached":                  {scene(created(soon), neverSeen, unreachable), outcome{}, false},
		"no answer in time":                        {scene(created(answersWithin), neverSeen, unanswered), outcome{}, false},
		"the status says something already":        {scene(neverSeen, unanswered), outcome{}, false},
		"a person has to change something":         {scene(created(soon), troubled("SecretInvalid", true), unanswered), outcome{}, false},
		"a conflict":                               {scene(created(soon), conflicting), outcome{}, false},
		"the API server refuses":                   {scene(created(soon), unanswered), outcome{deployment: errors.New("no")}, false},
		"the Deployment cannot be made yet":        {scene(created(soon), noDeployment), outcome{}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := decide(tc.seen)
			if got := awaitsAnswers(tc.seen, p, tc.outcome); got != tc.want {
				t.Errorf("awaits answers = %v, want %v", got, tc.want)
			}
			if next := again(tc.seen, p, tc.outcome); tc.want && (next <= 0 || next > answersWithin) {
				t.Errorf("looks again in %s, want within %s", next, answersWithin)
			}
		})
	}
}

// A new queue whose backlog calls for more than it starts with tells of that as any other does.
func TestFirstStatusTellsOfAScaling(t *testing.T) {
	seen := scene(created(0), scaling(0, 5), remembered(1), waiting(25))
	p := decide(seen)
	after := statusOf(seen, p, outcome{})
	if after.LastScaleTime == nil || after.LastScaleReason != "Backlog: 25 waiting + 0 due + 0 in hand / 10 per replica = 3" {
		t.Errorf("last scale at %v for %q", after.LastScaleTime, after.LastScaleReason)
	}
	if before := sizeBefore(seen.queue, p); before != 1 || after.DesiredReplicas != 3 {
		t.Errorf("from %d to %d workers, want from 1 to 3", before, after.DesiredReplicas)
	}
	still := scene(created(0), scaling(0, 5))
	if after := statusOf(still, decide(still), outcome{}); after.LastScaleTime != nil {
		t.Errorf("a queue that starts says that it scaled: %+v", after)
	}
}
