package crew

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncqueue/operator/test/fault/ledger"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

// Plan is what a message asks of its handler.
type Plan struct {
	Millis   int `json:"ms"`   // how long a run takes
	Failures int `json:"fail"` // how many runs fail before one succeeds
}

// class is the job's name in messages of both kinds.
const class = `App\Job\FaultJob`

// Message returns the bytes of a message. Equal arguments make equal bytes.
func Message(format payload.Format, id string, p Plan, maxAttempts int) ([]byte, error) {
	if format == payload.Hyperf {
		return payload.NewHyperf(payload.HyperfJob{
			Class: class, MaxAttempts: &maxAttempts, UniqueID: id,
			Params: payload.Map{{Key: "ms", Value: int64(p.Millis)}, {Key: "fail", Value: int64(p.Failures)}},
		})
	}
	return payload.NewCloudEvent(payload.Event{
		Type: class, Source: "test/fault", UniqueID: id, MaxAttempts: &maxAttempts,
		Data: map[string]Plan{"params": p},
	})
}

// errPlanned is the failure that a message asked for.
var errPlanned = errors.New("failing as the message asks")

// handler does what messages ask for, and writes it down.
type handler struct {
	books  *ledger.Writer
	life   func() string
	mortal *mortal
}

// Handle runs one job.
func (h *handler) Handle(_ context.Context, job *worker.Job) error {
	var asked struct{ Params Plan }
	if err := job.Bind(&asked); err != nil {
		return worker.Fail(err)
	}
	entry := ledger.Entry{Life: h.life(), What: ledger.Began, ID: job.ID, Attempt: job.Attempt}
	if err := h.books.Write(entry); err != nil {
		panic(err) // nothing that this process does counts any more
	}
	h.mortal.moment()
	// The work of a job: what it holds meanwhile is what faults strike.
	time.Sleep(time.Duration(asked.Params.Millis) * time.Millisecond)
	if job.Attempt <= asked.Params.Failures {
		return fmt.Errorf("attempt %d: %w", job.Attempt, errPlanned)
	}
	entry.What = ledger.Ended
	if err := h.books.Write(entry); err != nil {
		panic(err)
	}
	h.mortal.moment()
	return nil
}
