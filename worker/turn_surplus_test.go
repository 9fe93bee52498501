package worker

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/memstore"
)

// fullInbox is a store whose beats always find a message in the inbox.
type fullInbox struct{ Store }

func (f fullInbox) Beat(ctx context.Context, l queue.Load) (queue.BeatResult, error) {
	got, err := f.Store.Beat(ctx, l)
	got.Inbox = true
	return got, err
}

// A message that is handed back while a handler runs does not end that handler.
func TestExclusiveWorkerHandsBackBesideARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all diary
		q := memstore.New(memstore.Config{})
		pushJobs(t, q, 3)
		w, err := New(Config{
			Store: fullInbox{q.NewConsumer()}, Turn: q.NewTurn(), Concurrency: 1,
			HandleTimeout: time.Hour, Logger: slog.New(slog.DiscardHandler),
		}, all.handle("a", 10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := w.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		for _, s := range all.check(t, 3) {
			if s.cause != nil {
				t.Errorf("fence %d was stopped: %v", s.fence, s.cause)
			}
		}
		if got := q.Done(); got != 3 {
			t.Errorf("%d done, want 3", got)
		}
	})
}
