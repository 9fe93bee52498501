package workertest_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/memstore"
	"github.com/asyncqueue/operator/worker/workertest"
)

type order struct{ ID int }

func newMux() *worker.Mux {
	mux := worker.NewMux()
	worker.Handle(mux, "order.paid", func(context.Context, worker.TypedJob[order]) error { return nil })
	return mux
}

// t is what a test gets.
var t *testing.T

// One handler, one job.
func ExampleRun() {
	got := workertest.Run(t, newMux(), "order.paid", order{ID: 4711})
	if got.Action != "ack" {
		t.Errorf("the order was not taken: %v", got.Err)
	}
}

// A program that pushes is given a queue in memory.
func ExampleAssertPushed() {
	q := memstore.New(memstore.Config{})
	checkout := func() {
		_, _ = q.PushDelayed(context.Background(), time.Minute, workertest.Payload(t, "order.paid", order{ID: 4711}))
	}
	checkout()
	workertest.AssertPushed(t, q, "order.paid", order{ID: 4711})
	workertest.AssertNotPushed(t, q, "order.cancelled")
}

// Everything that was pushed is run, retries and delayed messages included.
func ExampleDrain() {
	q := memstore.New(memstore.Config{})
	_ = q.Push(context.Background(), workertest.Payload(t, "order.paid", order{ID: 4711}))
	got := workertest.Drain(t, q, newMux(), func(c *worker.Config) { c.MaxAttempts = 3 })
	if done := got.Types(worker.AfterHandle); len(done) != 1 {
		t.Errorf("done: %v; failed because of %v", done, q.Reasons())
	}
}
