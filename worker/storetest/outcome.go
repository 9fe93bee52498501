package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asyncqueue/operator/queue"
)

// act does something to a run of the message m.
type act func(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error)

func retry(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error) {
	return s.Retry(ctx, id, []byte("m+1"), time.Hour)
}

func requeue(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error) {
	return s.Requeue(ctx, id, time.Hour)
}

func fail(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error) {
	return s.Fail(ctx, id, "no")
}

func expire(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error) {
	return s.Expire(ctx, id)
}

func hold(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error) {
	return s.Hold(ctx, id)
}

func withdraw(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error) {
	return s.Withdraw(ctx, id)
}

func release(ctx context.Context, s Store, id queue.RunID) (queue.Outcome, error) {
	return queue.Moved, s.Release(ctx, id)
}

func leave(ctx context.Context, s Store, _ queue.RunID) (queue.Outcome, error) {
	return queue.Moved, s.Leave(ctx)
}

// then does one after the other, and returns what the last one says.
func then(acts ...act) act {
	return func(ctx context.Context, s Store, id queue.RunID) (outcome queue.Outcome, err error) {
		for _, do := range acts {
			if outcome, err = do(ctx, s, id); err != nil {
				return 0, err
			}
		}
		return outcome, nil
	}
}

func testOutcomes(t *testing.T, open func(t *testing.T) Site) {
	var (
		waiting  = Standing{Waiting: []string{"m"}}
		delayed  = Standing{Delayed: []string{"m"}}
		repeated = Standing{Delayed: []string{"m+1"}}
		timeout  = Standing{Timeout: []string{"m"}}
		failed   = Standing{Failed: []string{"m"}}
	)
	for name, test := range map[string]struct {
		act  act
		want queue.Outcome
		left Standing
	}{
		"retry":                {retry, queue.Moved, repeated},
		"retry twice":          {then(retry, retry), queue.WasLost, repeated},
		"requeue":              {requeue, queue.Moved, delayed},
		"fail":                 {fail, queue.Moved, failed},
		"fail twice":           {then(fail, fail), queue.WasLost, failed},
		"retry after fail":     {then(fail, retry), queue.WasLost, failed},
		"expire":               {expire, queue.Moved, timeout},
		"expire twice":         {then(expire, expire), queue.WasLate, timeout},
		"expire after fail":    {then(fail, expire), queue.WasLost, failed},
		"retry after expire":   {then(expire, retry), queue.WasLate, timeout},
		"requeue after expire": {then(expire, requeue), queue.WasLate, timeout},
		"fail after expire":    {then(expire, fail), queue.WasLate, timeout},
		"hold":                 {hold, queue.Moved, Standing{}},
		"hold twice":           {then(hold, hold), queue.Moved, Standing{}},
		"hold after fail":      {then(fail, hold), queue.WasLost, failed},
		"hold after expire":    {then(expire, hold), queue.WasLate, timeout},
		"retry after hold":     {then(hold, retry), queue.Moved, repeated},
		"fail after hold":      {then(hold, fail), queue.Moved, failed},
		"release after hold":   {then(hold, release), queue.Moved, waiting},
		"leave after hold":     {then(hold, leave), queue.Moved, timeout},
		"withdraw":             {then(expire, withdraw), queue.Moved, Standing{}},
		"withdraw twice":       {then(expire, withdraw, withdraw), queue.WasLost, Standing{}},
		"withdraw in time":     {withdraw, queue.Moved, Standing{}},
		"fail after withdraw":  {then(expire, withdraw, fail), queue.WasLost, Standing{}},
		"release":              {release, queue.Moved, waiting},
		"release twice":        {then(release, release), queue.Moved, waiting},
		"fail after release":   {then(release, fail), queue.WasLost, waiting},
		"leave":                {leave, queue.Moved, timeout},
		"leave twice":          {then(leave, leave), queue.Moved, timeout},
		"leave after expire":   {then(expire, leave), queue.Moved, timeout},
		"fail after leave":     {then(leave, fail), queue.WasLost, timeout},
	} {
		t.Run(name, func(t *testing.T) {
			site := open(t)
			id := claimOne(t, site, "m")
			got, err := test.act(t.Context(), site.Store, id)
			if err != nil || got != test.want {
				t.Errorf("outcome = %v, %v; want %v", got, err, test.want)
			}
			checkStanding(t, site, test.left)
		})
	}
}

// claimOne registers the store and claims one message that is pushed for it.
func claimOne(t *testing.T, site Site, payload string) queue.RunID {
	t.Helper()
	register(t, site)
	site.Push(payload)
	return claim(t, site, nil, 1, payload).Runs[0].ID
}

func register(t *testing.T, site Site) {
	t.Helper()
	if err := site.Store.Register(t.Context()); err != nil {
		t.Fatalf("Register: %v", err)
	}
}

// claim exchanges, and expects these messages.
func claim(t *testing.T, site Site, done []queue.RunID, want int, payloads ...string) queue.Exchanged {
	t.Helper()
	got, err := site.Store.Exchange(t.Context(), done, want)
	if err != nil {
		t.Fatalf("Exchange: %v", err)
	}
	var claimed []string
	for _, run := range got.Runs {
		claimed = append(claimed, string(run.Payload))
	}
	if diff := cmp.Diff(payloads, claimed, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("claimed (-want +got):\n%s", diff)
	}
	return got
}

func checkStanding(t *testing.T, site Site, want Standing) {
	t.Helper()
	if diff := cmp.Diff(want, site.Look(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("standing (-want +got):\n%s", diff)
	}
}
