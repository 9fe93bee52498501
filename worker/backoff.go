package worker

import (
	"context"
	"math/rand/v2"
	"time"
)

// The bounds of the wait after an error of Redis.
const (
	backoffFirst = 50 * time.Millisecond
	backoffLast  = 2 * time.Second
)

// backoff doubles its wait with each error, with jitter, so that the workers of
// a queue do not come back all at once. The zero value is ready.
type backoff struct {
	next time.Duration
}

// wait returns how long to wait now: between half and the whole of the step.
func (b *backoff) wait() time.Duration {
	step := max(b.next, backoffFirst)
	b.next = min(2*step, backoffLast)
	return step/2 + rand.N(step/2+1)
}

// reset is called after a success.
func (b *backoff) reset() { b.next = 0 }

// sleep waits for d, or until ctx is done, and says whether it waited in full.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
