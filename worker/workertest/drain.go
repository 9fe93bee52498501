package workertest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/memstore"
)

// mostRuns bounds how many runs Drain lets happen, so that a message that always
// comes again fails the test.
const mostRuns = 10000

// Drained is what Drain saw.
type Drained struct {
	// Events are all events of jobs, in the order in which they happened; with a
	// concurrency above 1 those of several jobs stand between each other.
	Events []worker.Event
}

// Types returns the types of the jobs that an event of this kind happened to, in
// order: with worker.AfterHandle, those that are done.
func (d Drained) Types(kind worker.EventKind) []string {
	var types []string
	for _, e := range d.Events {
		if e.Kind == kind {
			types = append(types, e.Job.Type)
		}
	}
	return types
}

// Drain runs a worker with h until nothing is left to do: delayed messages and
// retries are run at once, in the order of their due times. Messages that are
// given up stand in `failed`, where q.Messages shows them. The worker runs one
// message at a time and allows no retries but those of the messages' own
// maxAttempts; configure changes that. A message that never ends fails the test.
func Drain(t testing.TB, q *memstore.Queue, h worker.Handler, configure ...func(*worker.Config)) Drained {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &recorder{limit: stop}
	cfg := worker.Config{
		Store: q.NewConsumer(), Concurrency: 1, HandleTimeout: time.Hour,
		Listeners: []worker.Listener{log.listen}, Logger: slog.New(slog.DiscardHandler),
	}
	for _, change := range configure {
		change(&cfg)
	}
	w, err := worker.New(cfg, h)
	if err != nil {
		t.Fatalf("making a worker: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for err = q.AwaitRest(ctx); err == nil && q.MakeDue() > 0; err = q.AwaitRest(ctx) {
	}
	stop()
	if runErr := <-ended; runErr != nil {
		t.Fatalf("running a worker: %v", runErr)
	}
	if err != nil {
		t.Fatalf("draining the queue: it was not empty after %d runs", log.runs())
	}
	return Drained{Events: log.events}
}

// recorder is a listener that keeps the events of jobs.
type recorder struct {
	mu     sync.Mutex
	events []worker.Event
	began  int
	limit  func() // called when too much happened
}

func (r *recorder) listen(_ context.Context, e worker.Event) {
	if e.Job == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	if e.Kind == worker.BeforeHandle {
		if r.began++; r.began >= mostRuns {
			r.limit()
		}
	}
}

func (r *recorder) runs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.began
}
