package controllers

import (
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/api/equality"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

const (
	// showsPerSecond is how many statuses a second may be written for nothing but
	// another backlog, over all queues, and showsAtOnce how many where there were
	// none for a while. What else a status says is written at once.
	showsPerSecond, showsAtOnce = 100, 200
)

// pacer spreads the writes of new backlogs. It is safe for concurrent use.
type pacer struct{ limiter *rate.Limiter }

func newPacer() pacer {
	return pacer{rate.NewLimiter(showsPerSecond, showsAtOnce)}
}

// mayShow says whether a status that tells of another backlog and of nothing else
// may be written now. If not, the memory holds when it is its turn.
func (p pacer) mayShow(now time.Time, m *memory) bool {
	if m.showAt.IsZero() {
		m.showAt = now.Add(p.limiter.ReserveN(now, 1).DelayFrom(now))
	}
	return !now.Before(m.showAt)
}

// onlyBacklog says that two statuses differ in the backlog and in nothing else.
func onlyBacklog(before, after *queuev1alpha1.AsyncQueueStatus) bool {
	same := *after
	same.Backlog = before.Backlog
	return before.Backlog != nil && equality.Semantic.DeepEqual(*before, same)
}
