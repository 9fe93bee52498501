package hyperf_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
)

var errFailJob = errors.New("this job fails")

// lateRun is how long a LateJob runs where the handle timeout is shorter.
const lateRun = 2500 * time.Millisecond

// handle ends jobs as the stand-in does, by their class, and tells of it in the same words.
func handle(tell func(line string)) worker.HandlerFunc {
	return func(ctx context.Context, j *worker.Job) error {
		tell("ran " + j.ID)
		switch j.Type {
		case `App\Job\FailJob`:
			return errFailJob
		case `App\Job\LateJob`:
			select {
			case <-time.After(lateRun):
			case <-ctx.Done():
			}
		}
		return nil
	}
}

// listen tells how jobs ended.
func listen(tell func(line string)) worker.Listener {
	return func(_ context.Context, e worker.Event) {
		switch {
		case e.Kind == worker.AfterHandle && e.Moved == queue.Moved:
			tell("acked " + e.Job.ID)
		case e.Kind == worker.FailedHandle && e.Moved == queue.Moved:
			tell("failed " + e.Job.ID)
		case e.Kind == worker.RetryHandle:
			tell("retried " + e.Job.ID)
		}
	}
}

func newWorker(rdb redis.UniversalClient, channel string, handleTimeout time.Duration, tell func(line string)) (*worker.Worker, error) {
	q, err := queue.New(rdb, channel)
	if err != nil {
		return nil, err
	}
	consumer, err := q.NewConsumer(queue.ConsumerConfig{HandleTimeout: handleTimeout})
	if err != nil {
		return nil, err
	}
	return worker.New(worker.Config{
		Store: consumer, Keeper: q.NewKeeper(queue.KeeperConfig{}), Concurrency: 4, HandleTimeout: handleTimeout, Drain: time.Second,
		Retry: []time.Duration{50 * time.Millisecond}, Listeners: []worker.Listener{listen(tell)},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}, handle(tell))
}

// startWorker runs one of our workers in this process until the returned function is called.
func (c *channel) startWorker(t *testing.T, tell func(line string)) (stop func()) {
	t.Helper()
	w, err := newWorker(c.rdb, c.name, 10*time.Second, tell)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}
