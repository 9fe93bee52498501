package memstore

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/asyncqueue/operator/queue"
)

// Messages returns what stands in one state, in the order in which it would be
// taken: oldest first, delayed messages by their due times.
func (q *Queue) Messages(state queue.State) [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []message
	switch state {
	case queue.Waiting:
		all = q.waiting
	case queue.Delayed:
		all = q.delayed
	case queue.Reserved:
		for _, id := range slices.Sorted(maps.Keys(q.hand)) {
			if h := q.hand[id]; !h.late {
				all = append(all, h.message)
			}
		}
	case queue.Timeout:
		all = q.timeout
	case queue.Failed:
		all = q.failed
	}
	payloads := make([][]byte, 0, len(all))
	for _, m := range all {
		payloads = append(payloads, bytes.Clone(m.payload))
	}
	return payloads
}

// Reasons returns why messages stand in `failed`, in the order of Messages.
func (q *Queue) Reasons() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	reasons := make([]string, 0, len(q.failed))
	for _, m := range q.failed {
		reasons = append(reasons, m.reason)
	}
	return reasons
}

// Done returns how many messages were acknowledged.
func (q *Queue) Done() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.done
}

// AwaitRest blocks until nothing is waiting and nothing is in hand, late runs
// included, or until ctx is done; then it returns its error. Delayed messages that
// are not due do not count.
func (q *Queue) AwaitRest(ctx context.Context) error {
	for {
		q.mu.Lock()
		changed, rests := q.changed, len(q.waiting) == 0 && len(q.hand) == 0
		q.mu.Unlock()
		if rests {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
