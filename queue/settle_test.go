package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// endings are the ways to end a run other than well.
var endings = map[string]struct {
	end  func(t *testing.T, c *Consumer, id RunID) (Outcome, error)
	want snapshot // after ending the only run, of "a"
}{
	"retry": {
		func(t *testing.T, c *Consumer, id RunID) (Outcome, error) {
			return c.Retry(t.Context(), id, []byte("a+1"), time.Minute)
		},
		snapshot{"delayed": {"a+1"}},
	},
	"requeue": {
		func(t *testing.T, c *Consumer, id RunID) (Outcome, error) {
			return c.Requeue(t.Context(), id, time.Minute)
		},
		snapshot{"delayed": {"a"}},
	},
	"fail": {
		func(t *testing.T, c *Consumer, id RunID) (Outcome, error) { return c.Fail(t.Context(), id, "why") },
		snapshot{"failed": {"a"}},
	},
	"release": {
		func(t *testing.T, c *Consumer, id RunID) (Outcome, error) { return Moved, c.Release(t.Context(), id) },
		snapshot{"waiting": {"a"}},
	},
	"acknowledge": {
		func(t *testing.T, c *Consumer, id RunID) (Outcome, error) {
			_, err := c.Exchange(t.Context(), []RunID{id}, 0)
			return Moved, err
		},
		snapshot{},
	},
}

func TestEndingARun(t *testing.T) {
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a")
			c := newTestConsumer(t, q, ConsumerConfig{})
			run := mustExchange(t, c, nil, 1).Runs[0]
			if outcome, err := ending.end(t, c, run.ID); outcome != Moved || err != nil {
				t.Fatal(outcome, err)
			}
			wantState(t, q, ending.want)
			if outcome, err := ending.end(t, c, run.ID); err != nil || name != "release" && name != "acknowledge" && outcome != WasLost {
				t.Fatal("ending twice:", outcome, err)
			}
			wantState(t, q, ending.want)
		})
	}
}

// The crash windows of a call: the request is lost, or its answer is. Both times the same call
// again leads to the same state.
func TestEndingARunAfterAFault(t *testing.T) {
	for name, ending := range endings {
		for _, lost := range []string{"request", "answer"} {
			t.Run(name+" lost "+lost, func(t *testing.T) {
				q := newTestQueue(t)
				mustPush(t, q, "a")
				faulty, fault := newFaultyQueue(t, q)
				c := newTestConsumer(t, faulty, ConsumerConfig{})
				run := mustExchange(t, c, nil, 1).Runs[0]
				fault.arm(lost == "answer")
				if _, err := ending.end(t, c, run.ID); !errors.Is(err, errCut) {
					t.Fatal(err)
				}
				if lost == "request" {
					wantState(t, q, snapshot{"reserved": {"a"}, "hand": {"a"}})
				} else {
					wantState(t, q, ending.want)
				}
				if outcome, err := ending.end(t, c, run.ID); outcome != Moved || err != nil {
					t.Fatal(outcome, err)
				}
				wantState(t, q, ending.want)
			})
		}
	}
}

// S6: timed out first, failed after: no retry, and nothing in failed. S4: it went on and ended well.
func TestEndingALateRun(t *testing.T) {
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a")
			c := newTestConsumer(t, q, ConsumerConfig{})
			run := mustExchange(t, c, nil, 1).Runs[0]
			for _, want := range []Outcome{Moved, WasLate} {
				if outcome, err := c.Expire(t.Context(), run.ID); outcome != want || err != nil {
					t.Fatal(outcome, err)
				}
				wantState(t, q, snapshot{"timeout": {"a"}, "late": {"a"}, "hand": {"a"}})
			}
			outcome, err := ending.end(t, c, run.ID)
			if err != nil || name != "release" && name != "acknowledge" && outcome != WasLate {
				t.Error(outcome, err)
			}
			wantState(t, q, snapshot{"timeout": {"a"}})
		})
	}
}

func TestExchangeNamesLateRuns(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 2).Runs
	if _, err := c.Expire(t.Context(), runs[1].ID); err != nil {
		t.Fatal(err)
	}
	answer := mustExchange(t, c, idsOf(runs), 0)
	if diff := cmp.Diff([]RunID{runs[1].ID}, answer.Late); diff != "" || len(answer.Lost) != 0 {
		t.Error(diff, answer.Lost)
	}
}

// S7: failed first, would have timed out after: a retry, and its deadline does not count any more.
func TestExpiringAfterARetry(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	run := mustExchange(t, c, nil, 1).Runs[0]
	if _, err := c.Retry(t.Context(), run.ID, []byte("a+1"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if outcome, err := c.Expire(t.Context(), run.ID); outcome != WasLost || err != nil {
		t.Error(outcome, err)
	}
	wantState(t, q, snapshot{"delayed": {"a+1"}})
}

// Fencing: while a late run works, its message was reloaded and runs again. What the late one does
// touches nothing of the second run.
func TestALateRunLeavesTheNextOneAlone(t *testing.T) {
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a")
			slow, next := newTestConsumer(t, q, ConsumerConfig{}), newTestConsumer(t, q, ConsumerConfig{})
			run := mustExchange(t, slow, nil, 1).Runs[0]
			if _, err := slow.Expire(t.Context(), run.ID); err != nil {
				t.Fatal(err)
			}
			// Hyperf's reload does not know of late runs.
			if err := q.rdb.RPopLPush(t.Context(), q.keys.timeout, q.keys.waiting).Err(); err != nil {
				t.Fatal(err)
			}
			mustExchange(t, next, nil, 1)
			if _, err := ending.end(t, slow, run.ID); err != nil {
				t.Fatal(err)
			}
			wantState(t, q, snapshot{"reserved": {"a"}, "hand": {"a"}})
		})
	}
}

func TestFailKeepsTheReason(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 2).Runs
	for i, reason := range []string{"odd \"bytes\" \xff\x00", strings.Repeat("é", 2000)} {
		if _, err := c.Fail(t.Context(), runs[i].ID, reason); err != nil {
			t.Fatal(err)
		}
	}
	reasons, err := q.Reasons(t.Context(), 10)
	if err != nil || len(reasons) != 2 {
		t.Fatal(reasons, err)
	}
	if got := reasons[1]; got.Reason != "odd \"bytes\" ?\x00" || got.Worker != c.ID() || time.Since(got.At).Abs() > time.Minute {
		t.Errorf("%+v", got)
	}
	if got := reasons[1].Digest; got != "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8" {
		t.Errorf("digest %s", got)
	}
	if len(reasons[0].Reason) > maxReason {
		t.Errorf("%d bytes", len(reasons[0].Reason))
	}
}

func TestReleaseKeepsTheOrder(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b", "c", "d")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 3).Runs
	if err := c.Release(t.Context(), idsOf(runs)...); err != nil {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"waiting": {"d", "c", "b", "a"}})
	if err := c.Release(t.Context()); err != nil {
		t.Error("releasing nothing:", err)
	}
}
