package queue

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A Hyperf process is killed between any two of its commands. What it left in the five keys is
// understood: nothing of it is lost, what was due runs, and what it had reserved ends in timeout.
func TestWhatHyperfLeavesIsUnderstood(t *testing.T) {
	for _, name := range traceNames(t) {
		tr := readTrace(t, name)
		for kill := 1; kill <= len(tr.commands); kill++ {
			t.Run(fmt.Sprintf("%s killed after %d", name, kill), func(t *testing.T) {
				q := newTestQueue(t)
				tr.replay(t, q, time.Now().Add(-time.Hour), 0, kill)
				left := snapshotOf(t, q)
				tended := mustTend(t, q.NewKeeper(KeeperConfig{}))
				if tended.Moved != len(left["delayed"]) || tended.Delayed != 0 || tended.Reserved != 0 {
					t.Errorf("%+v", tended)
				}
				c := newTestConsumer(t, q, ConsumerConfig{})
				got := map[string]int{}
				for runs := mustExchange(t, c, nil, 3).Runs; len(runs) > 0; runs = mustExchange(t, c, idsOf(runs), 3).Runs {
					for _, run := range runs {
						got[string(run.Payload)]++
					}
				}
				want := map[string]int{}
				for _, payload := range append(left["waiting"], left["delayed"]...) {
					want[payload]++
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error("runs (-want +got):", diff)
				}
				wantLists := map[string]int{}
				for _, payload := range append(append(left["reserved"], left["timeout"]...), left["failed"]...) {
					wantLists[payload]++
				}
				if diff := cmp.Diff(wantLists, snapshotOf(t, q).standing()); diff != "" {
					t.Error("left (-want +got):", diff)
				}
			})
		}
	}
}

// Our worker holds messages in each of their states, while a Hyperf process goes through each of its
// traces on the same channel. What we hold is not lost, and comes back when our worker leaves.
func TestHyperfBesideOurWorker(t *testing.T) {
	for _, name := range traceNames(t) {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			tr := readTrace(t, name)
			c, _ := furnish(t, q)
			rest := newTestConsumer(t, q, ConsumerConfig{})
			mustExchange(t, rest, nil, 100) // nothing of ours waits where Hyperf would take it
			before := snapshotOf(t, q).standing()
			before["foreign"]-- // overdue: moves from Hyperf's reserved to timeout
			tr.replay(t, q, time.Now(), 0, len(tr.commands))
			for _, worker := range []*Consumer{c, rest} {
				if err := worker.Leave(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			mustTend(t, q.NewKeeper(KeeperConfig{}))
			after := snapshotOf(t, q).standing()
			for payload, n := range before {
				if after[payload] < n {
					t.Errorf("%q stands %d times, before %d times", payload, after[payload], n)
				}
			}
			if got := snapshotOf(t, q); len(got["hand"])+len(got["late"])+len(got["inbox"])+len(got["equal"]) != 0 {
				t.Errorf("still held: %v", got)
			}
		})
	}
}

func TestHyperfParksOurOverdueRun(t *testing.T) {
	for name, ending := range endings {
		if name == "release" {
			continue // what did not start is given back long before
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it takes seconds until Hyperf moves
			q := newTestQueue(t)
			mustPush(t, q, "a")
			c := newTestConsumer(t, q, ConsumerConfig{HandleTimeout: time.Second})
			run := mustExchange(t, c, nil, 1).Runs[0]
			hyperfMove(t, q, time.Now().Add(time.Second))
			wantState(t, q, snapshot{"reserved": {"a"}, "hand": {"a"}}) // not before its deadline
			eventually(t, 5*time.Second, "the deadline", func() bool {
				hyperfMove(t, q, time.Now())
				return len(snapshotOf(t, q)["timeout"]) == 1
			})
			if outcome, err := ending.end(t, c, run.ID); err != nil || name != "acknowledge" && outcome != WasLate {
				t.Error(outcome, err)
			}
			wantState(t, q, snapshot{"timeout": {"a"}})
		})
	}
	t.Run("expire", func(t *testing.T) {
		q := newTestQueue(t)
		mustPush(t, q, "a")
		c := newTestConsumer(t, q, ConsumerConfig{})
		run := mustExchange(t, c, nil, 1).Runs[0]
		hyperfMove(t, q, time.Now().Add(time.Minute)) // a PHP host whose clock is ahead
		if outcome, err := c.Expire(t.Context(), run.ID); outcome != WasLate || err != nil {
			t.Error(outcome, err)
		}
		wantState(t, q, snapshot{"timeout": {"a"}, "late": {"a"}, "hand": {"a"}})
	})
}

// Hyperf holds equal bytes and ends its run: its ZREM takes our entry in reserved. Ours survives.
func TestOurRunSurvivesAnEqualOneOfHyperf(t *testing.T) {
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a", "a")
			c := newTestConsumer(t, q, ConsumerConfig{})
			run := mustExchange(t, c, nil, 1).Runs[0]
			payload := hyperfPop(t, q, time.Minute)
			wantState(t, q, snapshot{"reserved": {"a"}, "hand": {"a"}})
			hyperfAck(t, q, payload)
			wantState(t, q, snapshot{"hand": {"a"}})
			if outcome, err := ending.end(t, c, run.ID); outcome != Moved || err != nil {
				t.Fatal(outcome, err)
			}
			wantState(t, q, ending.want)
		})
	}
	t.Run("sweep", func(t *testing.T) {
		q := newTestQueue(t)
		mustPush(t, q, "a")
		c := newTestConsumer(t, q, ConsumerConfig{})
		mustExchange(t, c, nil, 1)
		hyperfAck(t, q, "a")
		sweepAll(t, newTestKeeper(q, KeeperConfig{}, 2*time.Second))
		wantState(t, q, snapshot{"timeout": {"a"}})
	})
}

// Hyperf still holds the bytes that our run ends: its reservation is left alone.
func TestOurRunLeavesHyperfsReservationAlone(t *testing.T) {
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			mustPush(t, q, "a", "a")
			c := newTestConsumer(t, q, ConsumerConfig{})
			run := mustExchange(t, c, nil, 1).Runs[0]
			hyperfPop(t, q, time.Minute)
			if outcome, err := ending.end(t, c, run.ID); outcome != Moved || err != nil {
				t.Fatal(outcome, err)
			}
			want := snapshot{"reserved": {"a"}}
			maps.Copy(want, ending.want)
			wantState(t, q, want)
		})
	}
}

func TestHyperfMovesOurRetry(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a")
	c := newTestConsumer(t, q, ConsumerConfig{})
	run := mustExchange(t, c, nil, 1).Runs[0]
	if _, err := c.Retry(t.Context(), run.ID, []byte("a+1"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	hyperfMove(t, q, time.Now().Add(4*time.Second))
	wantState(t, q, snapshot{"delayed": {"a+1"}})
	hyperfMove(t, q, time.Now().Add(7*time.Second))
	wantState(t, q, snapshot{"waiting": {"a+1"}})
}
