// Package storetest is the suite that every worker.Store has to pass: what the
// worker relies on, stated once.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Site { ... })
//	}
package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// Store is worker.Store, spelled once more, so that the tests of package worker
// can use the suite too.
type Store interface {
	ID() string
	Register(ctx context.Context) error
	Beat(ctx context.Context, load queue.Load) (queue.BeatResult, error)
	Leave(ctx context.Context) error
	Exchange(ctx context.Context, done []queue.RunID, want int) (queue.Exchanged, error)
	Await(ctx context.Context, limit time.Duration) (bool, error)
	Retry(ctx context.Context, id queue.RunID, payload []byte, delay time.Duration) (queue.Outcome, error)
	Requeue(ctx context.Context, id queue.RunID, delay time.Duration) (queue.Outcome, error)
	Fail(ctx context.Context, id queue.RunID, reason string) (queue.Outcome, error)
	Expire(ctx context.Context, id queue.RunID) (queue.Outcome, error)
	Hold(ctx context.Context, id queue.RunID) (queue.Outcome, error)
	Withdraw(ctx context.Context, id queue.RunID) (queue.Outcome, error)
	Release(ctx context.Context, ids ...queue.RunID) error
}

// Site is a store with an empty queue of its own, whose handle timeout is at
// least a minute and which parks in `timeout` what a worker leaves.
type Site struct {
	// Store is under test.
	Store Store
	// Push puts messages on the queue.
	Push func(payloads ...string)
	// Look returns where messages stand.
	Look func() Standing
	// Tend moves what is due.
	Tend func() error
	// LoseAnswer makes the next Exchange fail after it was carried out. Nil: the
	// store has no answers that can get lost.
	LoseAnswer func()
}

// Standing is where messages stand; what is taken first comes first.
type Standing struct {
	Waiting, Delayed, Timeout, Failed []string
}

// Run holds the store of each site that open makes to the contract.
func Run(t *testing.T, open func(t *testing.T) Site) {
	t.Helper()
	t.Run("outcomes", func(t *testing.T) { testOutcomes(t, open) })
	for name, test := range map[string]func(*testing.T, Site){
		"a store does not know who has not registered": testStranger,
		"exchange acknowledges and claims":             testExchange,
		"exchange claims what was asked for":           testWant,
		"await finds what is pushed":                   testAwait,
		"await ends with its context":                  testAwaitEnds,
		"equal messages are many":                      testEqual,
		"what is due comes back":                       testDue,
		"a new life holds nothing":                     testNewLife,
		"leaving ends a life":                          testLeave,
		"what did not begin is taken next":             testRelease,
		"calls at the same time":                       testAtOnce,
		"exchanges at the same time":                   testExchangesAtOnce,
		"a claim whose answer got lost":                testLostAnswer,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}
