package worker

import (
	"context"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// Store is where a worker's messages come from and go to: what *queue.Consumer
// offers. All methods may be called at the same time, except that Exchange is
// only ever called by one goroutine.
type Store interface {
	Member
	Claimer
	Settler
}

// Member makes the worker known, so that others see when it dies.
type Member interface {
	// ID is the name by which others see this worker. It changes with Register.
	ID() string
	// Register makes a new worker of this one. It is called at the start and
	// after queue.ErrEvicted.
	Register(ctx context.Context) error
	// Beat says that the worker lives. queue.ErrEvicted says that others took
	// it for dead.
	Beat(ctx context.Context, load queue.Load) (queue.BeatResult, error)
	// Leave gives everything back that the worker still holds.
	Leave(ctx context.Context) error
}

// Claimer hands out messages and takes back those that are done.
type Claimer interface {
	// Exchange acknowledges the runs in done and claims up to want messages. A
	// call that failed is repeated with at least the same done and the same want.
	// Two calls may be on the way at once, also two that are repeated: a claim
	// whose answer was lost comes with the first call after it failed.
	Exchange(ctx context.Context, done []queue.RunID, want int) (queue.Exchanged, error)
	// Await blocks until there is something to claim, or for as long as limit.
	Await(ctx context.Context, limit time.Duration) (bool, error)
}

// Settler moves a message whose run did not end well. Each call may be
// repeated.
type Settler interface {
	// Retry puts payload, with its attempt counted, on `delayed`.
	Retry(ctx context.Context, id queue.RunID, payload []byte, delay time.Duration) (queue.Outcome, error)
	// Requeue puts the message on `delayed` as it is.
	Requeue(ctx context.Context, id queue.RunID, delay time.Duration) (queue.Outcome, error)
	// Fail puts the message on `failed`, with the reason beside it.
	Fail(ctx context.Context, id queue.RunID, reason string) (queue.Outcome, error)
	// Expire puts the message on `timeout`, while its run goes on.
	Expire(ctx context.Context, id queue.RunID) (queue.Outcome, error)
	// Hold tells that the handle timeout has passed and the message stays in hand
	// until its run ends: nobody takes it for overdue.
	Hold(ctx context.Context, id queue.RunID) (queue.Outcome, error)
	// Withdraw ends a run well whose message Expire had put on `timeout`, and
	// takes it out again.
	Withdraw(ctx context.Context, id queue.RunID) (queue.Outcome, error)
	// Release puts messages whose run never began back, to be taken next.
	Release(ctx context.Context, ids ...queue.RunID) error
}

// Keeper tends the channel: *queue.Keeper. The worker that the store appoints
// calls it all the time.
type Keeper interface {
	// Tend moves what is due and takes back what dead workers held.
	Tend(ctx context.Context) (queue.Tended, error)
}
