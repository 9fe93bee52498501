package queue

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// After a step of the clock all reservations look long overdue, though their runs go on. They are taken
// for orphans only where no worker is left that could hold them.
func TestOverdueReservationsWaitForTheLastWorker(t *testing.T) {
	q := newTestQueue(t)
	c := newTestConsumer(t, q, ConsumerConfig{})
	anHourAgo := float64(time.Now().Add(-time.Hour).Unix()) + 0.123456
	if err := q.rdb.ZAdd(t.Context(), q.keys.reserved, redis.Z{Score: anHourAgo, Member: "a"}).Err(); err != nil {
		t.Fatal(err)
	}
	keeper := q.NewKeeper(KeeperConfig{})
	if _, err := keeper.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"reserved": {"a"}})

	if err := c.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keeper.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantState(t, q, snapshot{"timeout": {"a"}})
}
