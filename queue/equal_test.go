package queue

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestEqualPayloadsRunOneAfterTheOther(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "a", "b", "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	first := mustExchange(t, c, nil, 10).Runs
	if diff := cmp.Diff([]string{"a", "b"}, payloadsOf(first)); diff != "" {
		t.Fatal(diff)
	}
	wantState(t, q, snapshot{"reserved": {"a", "b"}, "hand": {"a", "b"}, "equal": {"a*2"}})
	counts, err := q.Counts(t.Context(), 0)
	if err != nil || counts.Waiting != 2 || counts.Reserved != 2 {
		t.Errorf("%+v %v", counts, err)
	}
	second := mustExchange(t, c, idsOf(first), 10).Runs
	if diff := cmp.Diff([]string{"a"}, payloadsOf(second)); diff != "" {
		t.Error(diff)
	}
	wantState(t, q, snapshot{"reserved": {"a"}, "hand": {"a"}, "equal": {"a*1"}})
	third := mustExchange(t, c, idsOf(second), 10).Runs
	mustExchange(t, c, idsOf(third), 10)
	wantState(t, q, snapshot{})
}

// However a run ends, its equal is let go, and never more than one.
func TestEndingARunLetsItsEqualGo(t *testing.T) {
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a", "a", "a")
			c := newTestConsumer(t, q, ConsumerConfig{})
			run := mustExchange(t, c, nil, 3).Runs[0]
			wantState(t, q, snapshot{"reserved": {"a"}, "hand": {"a"}, "equal": {"a*2"}})
			if _, err := ending.end(t, c, run.ID); err != nil {
				t.Fatal(err)
			}
			want := snapshot{"equal": {"a*1"}}
			for key, payloads := range ending.want {
				want[key] = payloads
			}
			want["waiting"] = append([]string{"a"}, want["waiting"]...)
			wantState(t, q, want)
		})
	}
}

func TestExpiringLetsTheEqualGo(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	run := mustExchange(t, c, nil, 2).Runs[0]
	if _, err := c.Expire(t.Context(), run.ID); err != nil {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"waiting": {"a"}, "timeout": {"a"}, "late": {"a"}, "hand": {"a"}})
	mustExchange(t, c, nil, 1)
	wantState(t, q, snapshot{"reserved": {"a"}, "timeout": {"a"}, "late": {"a"}, "hand": {"a", "a"}})
	mustExchange(t, c, []RunID{run.ID}, 0)
	wantState(t, q, snapshot{"reserved": {"a"}, "timeout": {"a"}, "hand": {"a"}})
}

// Two retries of equal bytes do not merge: the second waits beside delayed, with its own due time.
func TestEqualRetriesWaitBesideEachOther(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	mustPush(t, q, "a", "b", "c")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 3).Runs
	for i, delay := range []time.Duration{time.Hour, 0, 0} {
		if _, err := c.Retry(ctx, runs[i].ID, []byte("x:y"), delay); err != nil {
			t.Fatal(err)
		}
	}
	wantState(t, q, snapshot{"delayed": {"x:y"}, "beside": {"x:y", "x:y"}})
	counts, err := q.Counts(ctx, 0)
	if err != nil || counts.Delayed != 3 || counts.Due != 2 {
		t.Errorf("%+v %v", counts, err)
	}
	if moved := mustTend(t, q.NewKeeper(KeeperConfig{})).Moved; moved != 2 {
		t.Errorf("moved %d", moved)
	}
	wantState(t, q, snapshot{"delayed": {"x:y"}, "waiting": {"x:y", "x:y"}})
}

// A Hyperf consumer ends a run without knowing of what waits for it: the tending finds it.
func TestTendLetsGoWhatNothingHolds(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	mustPush(t, q, "a", "a")
	hyperfPop(t, q, time.Minute)
	c := newTestConsumer(t, q, ConsumerConfig{})
	if runs := mustExchange(t, c, nil, 1).Runs; len(runs) != 0 {
		t.Fatal(runs)
	}
	keeper := q.NewKeeper(KeeperConfig{})
	mustTend(t, keeper)
	wantState(t, q, snapshot{"reserved": {"a"}, "equal": {"a*1"}})
	if err := q.rdb.ZRem(ctx, q.keys.reserved, "a").Err(); err != nil {
		t.Fatal(err)
	}
	mustTend(t, keeper)
	wantState(t, q, snapshot{"waiting": {"a"}})
}

// hyperfPop takes a message as a Hyperf consumer does, with the handle timeout given.
func hyperfPop(t *testing.T, q *Queue, handle time.Duration) string {
	t.Helper()
	payload, err := q.rdb.RPop(t.Context(), q.keys.waiting).Result()
	if err != nil {
		t.Fatal(err)
	}
	hyperfReserve(t, q, payload, handle)
	return payload
}

// A claim that may not set a message aside keeps it in hand: it must not stand in both places.
func TestAnEqualPayloadThatCannotBeSetAsideIsNotDoubled(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, addr)
	limited := limitedQueue(t, admin, addr, "hdel")
	q, err := New(admin, limited.Channel())
	if err != nil {
		t.Fatal(err)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustPush(t, q, "a", "a")
	c.queue = limited
	if _, err := c.Exchange(t.Context(), nil, 2); err == nil {
		t.Fatal("no error although the command is forbidden")
	}
	wantState(t, q, snapshot{"hand": {"a", "a"}, "reserved": {"a"}})
	c.queue = q
	if got := mustExchange(t, c, nil, 2); len(got.Runs) != 2 {
		t.Errorf("got %+v, want both", got)
	}
}
