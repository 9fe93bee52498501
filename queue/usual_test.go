package queue

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/internal/redistest"
)

// hold registers a consumer that has "a" and "b" in hand, with two more messages waiting: the next
// exchange goes the usual way.
func hold(t *testing.T, q *Queue) (*Consumer, []Run) {
	t.Helper()
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustPush(t, q, "a", "b", "c", "d")
	return c, mustExchange(t, c, nil, 2).Runs
}

// The usual way of an exchange looks only at the keys that it may have to do with. A wrong type of one
// of these stops it before it changes anything; another key does not matter.
func TestTheUsualExchangeMeetsAKeyOfAWrongType(t *testing.T) {
	untouched := []string{"delayed", "timeout", "failed", "beside", "reasons", "tender", "ghosts", "seen"}
	for i, key := range newKeys("").worker("w") {
		name := strings.TrimPrefix(key, ":")
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			c, runs := hold(t, q)
			key := q.keys.worker(c.ID())[i]
			withWrongType(t, q, key, func() {
				before := snapshotExcept(t, q, key)
				answer, err := c.Exchange(t.Context(), idsOf(runs), 2)
				if slices.Contains(untouched, name) {
					if diff := cmp.Diff([]string{"c", "d"}, payloadsOf(answer.Runs)); err != nil || diff != "" {
						t.Errorf("%v %s", err, diff)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), "key "+key+" holds a stream") {
					t.Errorf("error: %v", err)
				}
				if diff := cmp.Diff(before, snapshotExcept(t, q, key)); diff != "" {
					t.Errorf("changed (-before +after):\n%s", diff)
				}
			})
		})
	}
}

// A command that the Redis user may not use cuts the usual way short: what waits is not lost.
func TestTheUsualExchangeLeavesNoHole(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, addr)
	for _, command := range slices.Concat(writeCommands, []string{"hget", "hlen", "llen", "zcard", "get", "exists", "hexists", "time"}) {
		t.Run(command, func(t *testing.T) {
			limited := limitedQueue(t, admin, addr, command)
			q, err := New(admin, "{"+t.Name()+"}")
			if err != nil {
				t.Fatal(err)
			}
			c, runs := hold(t, q)
			c.queue = &Queue{rdb: limited.rdb, channel: q.channel, keys: q.keys}
			_, failed := c.Exchange(t.Context(), idsOf(runs), 2)
			standing := snapshotOf(t, q).standing()
			if standing["c"] < 1 || standing["d"] < 1 {
				t.Errorf("%v (error: %v)", standing, failed)
			}
			c.queue = q
			if answer := mustExchange(t, c, idsOf(runs), 2); failed != nil && len(answer.Runs) == 0 {
				t.Errorf("allowed again, it claims nothing: %+v", answer)
			}
		})
	}
}

// Equal payloads meet in a claim that goes the usual way until it finds them.
func TestTheUsualExchangeSetsEqualsBeside(t *testing.T) {
	q := newTestQueue(t)
	c, runs := hold(t, q)
	mustPush(t, q, "a", "e", "c")
	answer := mustExchange(t, c, idsOf(runs[1:]), 5)
	if diff := cmp.Diff([]string{"c", "d", "e"}, payloadsOf(answer.Runs)); diff != "" {
		t.Error(diff)
	}
	wantState(t, q, snapshot{"reserved": {"a", "c", "d", "e"}, "hand": {"a", "c", "d", "e"}, "equal": {"a*1", "c*1"}})
	last := mustExchange(t, c, append(idsOf(answer.Runs), runs[0].ID), 5)
	if diff := cmp.Diff([]string{"c", "a"}, payloadsOf(last.Runs)); diff != "" {
		t.Error(diff)
	}
}
