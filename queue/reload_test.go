package queue

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fill puts payloads into a list, the first one being the oldest.
func fill(t *testing.T, q *Queue, key string, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := q.rdb.LPush(t.Context(), key, p).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReload(t *testing.T) {
	tests := map[string]struct {
		from State
		o    ReloadOptions
		want snapshot
		did  ReloadResult
	}{
		"all of timeout, the oldest to be taken first": {
			Timeout, ReloadOptions{},
			snapshot{"waiting": {"d", "c", "b", "a", "before"}, "failed": {"y", "x"}}, ReloadResult{Moved: 4},
		},
		"some of timeout": {
			Timeout, ReloadOptions{Max: 2},
			snapshot{"waiting": {"b", "a", "before"}, "timeout": {"d", "c"}, "failed": {"y", "x"}}, ReloadResult{Moved: 2},
		},
		"all of failed": {
			Failed, ReloadOptions{Max: 100, MaxReloads: 1},
			snapshot{"waiting": {"y", "x", "before"}, "timeout": {"d", "c", "b", "a"}}, ReloadResult{Moved: 2},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "before")
			fill(t, q, q.keys.timeout, "a", "b", "c", "d")
			fill(t, q, q.keys.failed, "x", "y")
			did, err := q.Reload(t.Context(), test.from, test.o)
			if diff := cmp.Diff(test.did, did); err != nil || diff != "" {
				t.Error(err, diff)
			}
			wantState(t, q, test.want)
		})
	}
}

func TestReloadRefusesOtherStates(t *testing.T) {
	q := newTestQueue(t)
	for _, from := range []State{Waiting, Delayed, Reserved, "none"} {
		if _, err := q.Reload(t.Context(), from, ReloadOptions{}); err == nil {
			t.Errorf("reloaded %s", from)
		}
	}
	if _, err := q.Reload(t.Context(), Timeout, ReloadOptions{Max: -1}); err == nil {
		t.Error("a negative bound passed")
	}
}

// A run that is late but works must not run twice. Of equal payloads as many stay as still work.
func TestReloadLeavesWhatStillWorks(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b")
	fill(t, q, q.keys.timeout, "old", "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 2).Runs
	for _, run := range runs {
		if _, err := c.Expire(t.Context(), run.ID); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		did, err := q.Reload(t.Context(), Timeout, ReloadOptions{})
		if err != nil || did.Skipped != 2 {
			t.Error(did, err)
		}
		wantState(t, q, snapshot{"waiting": {"a", "old"}, "timeout": {"b", "a"}, "late": {"a", "b"}, "hand": {"a", "b"}})
	}
	mustExchange(t, c, idsOf(runs[:1]), 0)
	did, err := q.Reload(t.Context(), Timeout, ReloadOptions{Max: 1})
	if err != nil || did.Moved != 1 {
		t.Error(did, err)
	}
	wantState(t, q, snapshot{"waiting": {"a", "a", "old"}, "timeout": {"b"}, "late": {"b"}, "hand": {"b"}})
}

func TestReloadSendsPoisonToFailed(t *testing.T) {
	q := newTestQueue(t)
	for reload := 1; reload <= 3; reload++ {
		fill(t, q, q.keys.timeout, "a")
		if _, err := q.Flush(t.Context(), Waiting); err != nil {
			t.Fatal(err)
		}
		did, err := q.Reload(t.Context(), Timeout, ReloadOptions{MaxReloads: 2})
		if err != nil || (did.Poisoned == 1) != (reload == 3) {
			t.Error(reload, did, err)
		}
	}
	wantState(t, q, snapshot{"failed": {"a"}})
	reasons, err := q.Reasons(t.Context(), 5)
	if err != nil || len(reasons) != 1 {
		t.Error(reasons, err)
	}
}

// A message whose every run outlives its deadline ends well each time, late, and is poison all the same.
func TestReloadCountsRunsThatEndLate(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	for reload := 1; reload <= 3; reload++ {
		run := mustExchange(t, c, nil, 1).Runs[0]
		if _, err := c.Expire(t.Context(), run.ID); err != nil {
			t.Fatal(err)
		}
		if got := mustExchange(t, c, []RunID{run.ID}, 0); len(got.Late) != 1 {
			t.Fatalf("run %d: want it late, got %+v", reload, got)
		}
		did, err := q.Reload(t.Context(), Timeout, ReloadOptions{MaxReloads: 2})
		if err != nil || (did.Poisoned == 1) != (reload == 3) {
			t.Fatal(reload, did, err)
		}
	}
	wantState(t, q, snapshot{"failed": {"a"}})
}

func TestReloadOfALongList(t *testing.T) {
	q := newTestQueue(t)
	const count = 2*reloadBatch + 7
	for i := range count {
		fill(t, q, q.keys.timeout, fmt.Sprint(i))
	}
	did, err := q.Reload(t.Context(), Timeout, ReloadOptions{})
	if err != nil || did.Moved != count {
		t.Error(did, err)
	}
	waiting := snapshotOf(t, q)["waiting"]
	if len(waiting) != count || waiting[count-1] != "0" || waiting[0] != fmt.Sprint(count-1) {
		t.Error(len(waiting))
	}
}

func TestFlush(t *testing.T) {
	for state, want := range map[State]int64{Waiting: 2, Delayed: 2, Reserved: 1, Timeout: 1, Failed: 1} {
		t.Run(string(state), func(t *testing.T) {
			q, ctx := newTestQueue(t), t.Context()
			c := newTestConsumer(t, q, ConsumerConfig{})
			mustPush(t, q, "r1", "r2", "held", "held")
			runs := mustExchange(t, c, nil, 4).Runs
			for _, run := range runs[:2] {
				if _, err := c.Retry(ctx, run.ID, []byte("later"), 1e12); err != nil {
					t.Fatal(err)
				}
			}
			mustPush(t, q, "w")
			fill(t, q, q.keys.timeout, "t")
			fill(t, q, q.keys.failed, "f")
			before := snapshotOf(t, q)
			gone, err := q.Flush(ctx, state)
			if err != nil || gone != want {
				t.Error(gone, err)
			}
			delete(before, string(state))
			if state == Waiting {
				delete(before, "equal")
			}
			if state == Delayed {
				delete(before, "beside")
			}
			wantState(t, q, before)
		})
	}
	if _, err := newTestQueue(t).Flush(t.Context(), "none"); err == nil {
		t.Error("flushed an unknown state")
	}
}
