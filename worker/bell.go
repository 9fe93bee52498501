package worker

import (
	"math"
	"sync/atomic"
)

// never is more runs than can end.
const never = math.MaxInt32

// bell says when the loop is to look at the runs that have ended. Short runs end by the hundred thousand a
// second: waking the loop for each would cost more than the runs.
type bell struct {
	ended  atomic.Int32 // runs that the loop has not looked at
	enough atomic.Int32 // it is to look at so many
	eager  atomic.Bool  // it is to look at any, unless more runs are about to begin
	laden  atomic.Bool  // it has something itself that waits for that
}

// set is called by the loop, which then asks whether the bell rings already.
func (b *bell) set(enough int, eager, laden bool) {
	b.enough.Store(int32(min(max(enough, 1), never))) //nolint:gosec // bounded
	b.laden.Store(laden)
	b.eager.Store(eager)
}

// rings says whether the loop is to look.
func (b *bell) rings(c *crew) bool {
	ended := b.ended.Load()
	return ended >= b.enough.Load() || b.eager.Load() && !c.backlog.Load() && (ended > 0 || b.laden.Load())
}
