package workertest

import (
	"testing"
	"time"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

// source is the source of the events that this package makes.
const source = "workertest"

// Result is what one run of a handler came to.
type Result struct {
	// Err is what the handler returned; for a panic, a *worker.PanicError.
	Err error
	// Action is what a worker does with the message while attempts are left:
	// ack, retry, requeue, drop or fail.
	Action string
	// Delay is the delay that the handler chose. Below 0: none.
	Delay time.Duration
}

// Run runs a job of one type with these parameters through h, once, as a worker
// does with the first attempt of a message. args are written with encoding/json,
// as a producer does. The test's context is the job's.
func Run(t testing.TB, h worker.Handler, jobType string, args any) Result {
	t.Helper()
	return RunJob(t, h, NewJob(t, jobType, args))
}

// RunJob is Run for a job that the test has made.
func RunJob(t testing.TB, h worker.Handler, job *worker.Job) Result {
	t.Helper()
	err := worker.Chain(h, worker.Recover()).Handle(t.Context(), job)
	r := Result{Err: err}
	r.Action, r.Delay = worker.Verdict(err)
	return r
}

// NewJob returns the first run of a CloudEvent of one type with these parameters.
// Its id is random.
func NewJob(t testing.TB, jobType string, args any) *worker.Job {
	t.Helper()
	return Decode(t, Payload(t, jobType, args))
}

// Payload returns a CloudEvent of one type with these parameters, as a producer
// pushes it. Its id is random.
func Payload(t testing.TB, jobType string, args any) []byte {
	t.Helper()
	raw, err := payload.NewCloudEvent(payload.Event{Type: jobType, Source: source, Data: args})
	if err != nil {
		t.Fatalf("making a message: %v", err)
	}
	return raw
}

// Decode returns the run of a message as it stands in Redis, PHP's included.
// Without a maxAttempts of its own the message has no retries.
func Decode(t testing.TB, raw []byte) *worker.Job {
	t.Helper()
	m, err := payload.Decode(raw)
	if err != nil {
		t.Fatalf("decoding a message: %v", err)
	}
	most, _ := m.MaxAttempts()
	return &worker.Job{ID: m.ID(), Type: m.Type(), Attempt: m.Attempts() + 1, MaxAttempts: most, Message: m}
}
