package queue

import (
	"testing"

	"github.com/asyncqueue/operator/internal/redistest"
)

// A Redis over maxmemory drains only if its workers live, and new ones may join.
func TestWorkersJoinAndLiveOverMaxmemory(t *testing.T) {
	q, err := New(newTestClient(t, redistest.Start(t)), "{full}")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	mustPush(t, q, "m")
	if err := q.rdb.ConfigSet(ctx, "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	if _, err := c.Beat(ctx, Load{}); err != nil {
		t.Fatal(err)
	}
	if runs := mustExchange(t, c, nil, 1).Runs; len(runs) != 1 {
		t.Fatalf("claimed %d messages, want 1", len(runs))
	}
}
