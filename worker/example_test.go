package worker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

type order struct {
	ID    int    `json:"id"`
	Email string `json:"email"`
}

var errBusy = errors.New("the warehouse is busy")

// What a handler returns decides what becomes of the message.
func ExampleHandle() {
	mux := worker.NewMux()
	worker.Handle(mux, "order.paid", func(_ context.Context, job worker.TypedJob[order]) error {
		switch {
		case job.Args.Email == "":
			return worker.Fail(errors.New("nobody to write to"))
		case job.Args.ID == 4711:
			return worker.RetryAfter(time.Minute, errBusy)
		}
		return nil
	}, worker.Timeout(5*time.Second))

	for _, data := range []order{{ID: 1, Email: "ada@example.com"}, {ID: 4711, Email: "ada@example.com"}, {ID: 2}} {
		raw, err := payload.NewCloudEvent(payload.Event{Type: "order.paid", Source: "/shop", Data: data})
		if err != nil {
			fmt.Println(err)
			return
		}
		message, err := payload.Decode(raw)
		if err != nil {
			fmt.Println(err)
			return
		}
		err = mux.Handle(context.Background(), &worker.Job{Type: message.Type(), Attempt: 1, Message: message})
		action, delay := worker.Verdict(err)
		fmt.Println(action, delay, err)
	}
	// Output:
	// ack 0s <nil>
	// retry 1m0s the warehouse is busy
	// fail 0s nobody to write to
}

// context.Cause tells why a handler is to end.
func ExampleHandler() {
	_ = worker.HandlerFunc(func(ctx context.Context, _ *worker.Job) error {
		<-ctx.Done()
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, worker.ErrDraining):
			fmt.Println("the worker stops")
		case errors.Is(cause, worker.ErrTimeout), errors.Is(cause, worker.ErrHandleTimeout):
			fmt.Println("it took too long")
		case errors.Is(cause, worker.ErrLost):
			fmt.Println("the message was given to others")
		}
		return ctx.Err()
	})
}

// A listener is told of every event.
func ExampleListener() {
	var tell worker.Listener = func(_ context.Context, e worker.Event) {
		if e.Kind == worker.FailedHandle {
			fmt.Println("given up:", e.Job.Type, "because of", e.Err)
		}
	}
	tell(context.Background(), worker.Event{Kind: worker.FailedHandle, Job: &worker.Job{Type: "order.paid"}, Err: errBusy})
	// Output: given up: order.paid because of the warehouse is busy
}
