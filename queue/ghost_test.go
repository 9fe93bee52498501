package queue

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A connection that its worker has given up may still be blocked in Redis, and receive a message
// while the worker waits on another one: the beats find it.
func TestBeatFindsWhatCameOverAnOldConnection(t *testing.T) {
	q := newTestQueue(t)
	ctx := t.Context()
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustPush(t, q, "m")
	old := newSharedClient(t)
	t.Cleanup(func() { _ = old.Close() })
	if err := old.BLMove(ctx, q.keys.waiting, q.keys.inbox(c.ID()), "right", "left", time.Second).Err(); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Await(ctx, 10*time.Millisecond); found || err != nil {
		t.Fatal("awaiting:", found, err)
	}
	for _, want := range []bool{true, false} {
		result, err := c.Beat(ctx, Load{})
		if err != nil {
			t.Fatal(err)
		}
		if result.Inbox != want {
			t.Errorf("a message in the inbox: %v, want %v", result.Inbox, want)
		}
		mustExchange(t, c, nil, 1)
	}
}

// Many keepers that look at one ghost at the same time are one look.
func TestLooksAtAGhostAreSpread(t *testing.T) {
	q := newTestQueue(t)
	ctx := t.Context()
	keepers := []*Keeper{q.NewKeeper(KeeperConfig{}), q.NewKeeper(KeeperConfig{})}
	if err := q.rdb.ZAdd(ctx, q.keys.ghosts, redis.Z{Score: 1 + 1./64, Member: "w"}).Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, k := range keepers {
			mustTend(t, k)
		}
	}
	score, err := q.rdb.ZScore(ctx, q.keys.ghosts, "w").Result()
	if err != nil {
		t.Fatal(err)
	}
	if looks := score - float64(int64(score)); looks != 2./64 {
		t.Errorf("%g looks were noted, want 2", looks*64)
	}
}
