package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/memstore"
	"github.com/asyncqueue/operator/worker/workertest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// sending is a sender of a test.
type sending func(ctx context.Context, m Mail) error

func (f sending) Send(ctx context.Context, m Mail) error { return f(ctx, m) }

func TestSend(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		args       any
		send       sending
		wantAction string
		wantDelay  time.Duration
		wantErr    error
	}{
		"sent":            {Mail{To: "a@b"}, func(context.Context, Mail) error { return nil }, "ack", 0, nil},
		"no address":      {Mail{To: "a"}, nil, "fail", 0, nil},
		"no mail":         {[]int{1}, nil, "fail", 0, nil},
		"broken":          {Mail{To: "a@b"}, func(context.Context, Mail) error { return broken }, "retry", -1, broken},
		"throttled":       {Mail{To: "a@b"}, func(context.Context, Mail) error { return errThrottled }, "retry", time.Minute, errThrottled},
		"a server asleep": {Mail{To: "a@b"}, func(ctx context.Context, _ Mail) error { <-ctx.Done(); return ctx.Err() }, "retry", -1, worker.ErrTimeout},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := workertest.Run(t, newMux(slog.New(slog.DiscardHandler), test.send), "mail.send", test.args)
				if got.Action != test.wantAction || got.Delay != test.wantDelay || (test.wantErr != nil && !errors.Is(got.Err, test.wantErr)) {
					t.Errorf("Run = %+v, want %s after %s because of %v", got, test.wantAction, test.wantDelay, test.wantErr)
				}
			})
		})
	}
}

// A mail that the server did not take at first is sent by a retry.
func TestRetries(t *testing.T) {
	q := memstore.New(memstore.Config{})
	if err := q.Push(t.Context(), workertest.Payload(t, "mail.send", Mail{To: "a@b"})); err != nil {
		t.Fatal(err)
	}
	calls := 0
	flaky := sending(func(context.Context, Mail) error {
		if calls++; calls < 3 {
			return errThrottled
		}
		return nil
	})
	got := workertest.Drain(t, q, newMux(slog.New(slog.DiscardHandler), flaky), func(c *worker.Config) { c.MaxAttempts = 5 })
	if sent := len(got.Types(worker.AfterHandle)); sent != 1 || calls != 3 {
		t.Errorf("%d sent after %d calls, want 1 after 3", sent, calls)
	}
}

// The program consumes from Redis and stops in order.
func TestRun(t *testing.T) {
	addr := redistest.Shared(t)
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = rdb.Close() }()
	mails, err := queue.New(rdb, "{mails}")
	if err != nil {
		t.Fatal(err)
	}
	if err := mails.Push(t.Context(), workertest.Payload(t, "mail.send", Mail{To: "a@b"})); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, slog.New(slog.DiscardHandler), addr) }()
	// Redis tells nobody of a change: looked at every 5 ms, until a deadline.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := mails.Counts(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if c.Waiting+c.Reserved == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the mail was not sent: %+v", c)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}
