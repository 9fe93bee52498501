package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/asyncqueue/operator/worker/payload"
)

// Handler does the work that a message asks for.
type Handler interface {
	// Handle runs one job. context.Cause(ctx) says why ctx was cancelled:
	// ErrDraining, ErrLost, ErrHandleTimeout under the policy Cancel or, by the
	// middleware Timeout, ErrTimeout. What Handle returns decides what becomes of
	// the message: see the package comment.
	Handle(ctx context.Context, job *Job) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, job *Job) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, job *Job) error { return f(ctx, job) }

// Job is one run of one message.
type Job struct {
	// ID is the message's own id, or one derived from its bytes where it has
	// none (PHP's messages).
	ID string
	// Type is the job's name: the type of a CloudEvent, the class of a PHP job,
	// or Job[class@method].
	Type string
	// Attempt counts the runs of this message, from 1. Runs that a crash cut
	// off are in Redelivered.
	Attempt int
	// MaxAttempts is the number of retries that the message may have: it runs
	// at most MaxAttempts+1 times.
	MaxAttempts int
	// Redelivered counts how often the message came back after a crash or a
	// reload.
	Redelivered int
	// Fence grows with each run of an exclusive queue: who keeps the greatest one
	// seen, and refuses smaller ones, is safe from runs that have lost their turn.
	// 0 where the queue is not exclusive.
	Fence uint64
	// Message is the decoded message. Nil in events about a message that could
	// not be decoded.
	Message *payload.Message
}

// Data returns the job's parameters as JSON.
func (j *Job) Data() json.RawMessage { return j.Message.Data() }

// Bind decodes the job's parameters into v, as json.Unmarshal does.
func (j *Job) Bind(v any) error {
	if err := json.Unmarshal(j.Data(), v); err != nil {
		return fmt.Errorf("reading the parameters of job %q: %w", j.Type, err)
	}
	return nil
}
