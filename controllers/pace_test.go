package controllers

import (
	"testing"
	"time"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

func TestPacerGivesEachQueueItsTurn(t *testing.T) {
	const queues = 5000
	p := newPacer()
	memories := make([]memory, queues)
	written := make([]int, queues)
	perSecond := map[int]int{}
	// Each queue tries once a second, and again when it is its turn.
	for tick := range 120 * 10 {
		now := noon.Add(time.Duration(tick) * 100 * time.Millisecond)
		for i := range memories {
			m := &memories[i]
			isDue := !m.showAt.IsZero() && !now.Before(m.showAt)
			if (isDue || tick%10 == i%10) && p.mayShow(now, m) {
				m.showAt = time.Time{}
				written[i]++
				perSecond[tick/10]++
			}
		}
	}
	for second, n := range perSecond {
		if most := showsPerSecond + 1; second > 1 && n > most {
			t.Errorf("%d writes in second %d, want at most %d", n, second, most)
		}
	}
	for i, n := range written {
		if n < 2 {
			t.Fatalf("queue %d was written %d times in 2 minutes, want at least 2", i, n)
		}
	}
}

func TestOnlyBacklog(t *testing.T) {
	base := queuev1alpha1.AsyncQueueStatus{DesiredReplicas: 1, Backlog: &queuev1alpha1.Backlog{Waiting: 1}}
	tests := map[string]struct {
		before, after queuev1alpha1.AsyncQueueStatus
		want          bool
	}{
		"another backlog": {base, queuev1alpha1.AsyncQueueStatus{DesiredReplicas: 1, Backlog: &queuev1alpha1.Backlog{Waiting: 2}}, true},
		"the first one":   {queuev1alpha1.AsyncQueueStatus{DesiredReplicas: 1}, base, false},
		"more than that":  {base, queuev1alpha1.AsyncQueueStatus{DesiredReplicas: 2, Backlog: &queuev1alpha1.Backlog{Waiting: 2}}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := onlyBacklog(&tc.before, &tc.after); got != tc.want {
				t.Errorf("onlyBacklog() = %v, want %v", got, tc.want)
			}
		})
	}
}
