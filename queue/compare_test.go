package queue

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// undo brings a run back into its hand as a replica has it that did not hear of its end.
func undo(t *testing.T, c *Consumer, run Run) {
	t.Helper()
	keys := c.queue.keys
	score := redis.Z{Score: float64(run.ID) / 1e6, Member: run.Payload}
	if err := c.queue.rdb.HSet(t.Context(), keys.hand(c.ID()), run.ID.String(), run.Payload).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.queue.rdb.ZAdd(t.Context(), keys.reserved, score).Err(); err != nil {
		t.Fatal(err)
	}
}

// A fail-over undoes an acknowledgement. The worker does not know the run any more, but holds it in
// Redis: it has to let go of it, and of what waits for it.
func TestExchangeGivesBackWhatAFailoverUndid(t *testing.T) {
	tests := map[string]struct {
		loss LossPolicy
		want snapshot
	}{
		"parked":      {loss: Park, want: snapshot{"timeout": {"a"}, "waiting": {"a"}}},
		"redelivered": {loss: Redeliver, want: snapshot{"waiting": {"a", "a"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			q := newTestQueue(t)
			faulty, fault := newFaultyQueue(t, q)
			c := newTestConsumer(t, faulty, ConsumerConfig{Loss: test.loss})
			mustPush(t, q, "a")
			done := mustExchange(t, c, nil, 1).Runs[0]
			mustExchange(t, c, []RunID{done.ID}, 0)
			undo(t, c, done)
			mustPush(t, q, "a")
			if got := mustExchange(t, c, nil, 1); len(got.Runs) != 0 {
				t.Fatalf("got %+v beside an equal one", got)
			}

			fault.loseRequest() // as the connection to the old master breaks
			if _, err := c.Exchange(t.Context(), nil, 0); err == nil {
				t.Fatal("no error although the connection broke")
			}
			mustExchange(t, c, nil, 0)
			wantState(t, q, test.want)
		})
	}
}

// What a worker does know it keeps, also a run whose claim was not answered.
func TestExchangeKeepsWhatItKnows(t *testing.T) {
	q := newTestQueue(t)
	faulty, fault := newFaultyQueue(t, q)
	c := newTestConsumer(t, faulty, ConsumerConfig{Loss: Redeliver})
	mustPush(t, q, "a", "b")
	mustExchange(t, c, nil, 1)
	fault.loseAnswer()
	if _, err := c.Exchange(t.Context(), nil, 1); err == nil {
		t.Fatal("no error although the answer was lost")
	}
	if got := mustExchange(t, c, nil, 1); len(got.Runs) != 1 || string(got.Runs[0].Payload) != "b" {
		t.Errorf("got %+v, want the run of the lost answer", got)
	}
	wantState(t, q, snapshot{"hand": {"a", "b"}, "reserved": {"a", "b"}})
}

// A fail-over that no call has noticed is found by a busy worker after a while.
func TestBusyConsumerComparesNowAndThen(t *testing.T) {
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{Loss: Redeliver})
	mustPush(t, q, "a", "b")
	runs := mustExchange(t, c, nil, 2).Runs
	mustExchange(t, c, []RunID{runs[0].ID}, 0)
	undo(t, c, runs[0])
	c.compared = time.Now().Add(-compareEvery - time.Second)
	mustExchange(t, c, []RunID{runs[1].ID}, 0)
	wantState(t, q, snapshot{"waiting": {"a"}})
}
