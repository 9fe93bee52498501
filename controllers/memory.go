package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

// memory is what is kept about one queue from one reconcile to the next. Losing
// it, as at a change of leader, delays a scale-in and nothing else.
type memory struct {
	uid types.UID
	// since is when the queue was reconciled first.
	since time.Time
	// scaling is the state of the autoscaling decision.
	scaling autoscale.State
	// size is how many workers were asked for last; nil: nothing was asked for yet.
	size *int32
	// rankedAt is when the pods were last ranked for a scale-in that is yet to
	// happen.
	rankedAt time.Time
	// pods is what was wrong with the pods when they were last looked at, at
	// podsAt; the next look comes podsPause after it.
	pods      string
	podsAt    time.Time
	podsPause time.Duration
	// showAt is when a new backlog may be shown; zero: nothing waits for that.
	showAt time.Time
	// rival is an older queue whose workers consumed this one's messages, last seen
	// at rivalAt.
	rival   types.UID
	rivalAt time.Time
	// evicted is what is known of taking out what others put into a child's spec, by
	// kind.
	evicted map[string]eviction
	// stranger is an AsyncQueue that is not known here and whose workers consume
	// this one's messages, first seen at strangerAt.
	stranger   string
	strangerAt time.Time
	// refused is the resource version at which the API server returned a child
	// that still differs from what was applied, by kind: somebody rewrites it.
	refused map[string]string
}

// keep remembers what was carried out. A size that waits changes nothing.
func (m *memory) keep(p plan) {
	if p.waits {
		return
	}
	size := p.replicas // not a part of p, which would be kept with it
	m.scaling, m.size = p.scalingState(), &size
}

// memories keeps a memory for each queue. The zero value is empty. It is safe
// for concurrent use; one queue is never reconciled twice at a time.
type memories struct {
	mu    sync.Mutex
	queue map[types.NamespacedName]*memory
}

// of returns the memory of the queue with that UID, empty where there is none.
func (m *memories) of(key types.NamespacedName, uid types.UID) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.queue == nil {
		m.queue = map[types.NamespacedName]*memory{}
	}
	held := m.queue[key]
	if held == nil || held.uid != uid {
		held = &memory{uid: uid, refused: map[string]string{}, evicted: map[string]eviction{}}
		m.queue[key] = held
	}
	return held
}

func (m *memories) forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.queue, key)
}
