package queue

import (
	"testing"
	"time"

	"github.com/asyncqueue/operator/internal/redistest"
)

func take(t *testing.T, turn *Turn, wantHeld bool) uint64 {
	t.Helper()
	first, held, err := turn.Take(t.Context())
	if err != nil || held != wantHeld {
		t.Fatalf("Take = %d, %t, %v; want held %t", first, held, err, wantHeld)
	}
	return first
}

func TestTurn(t *testing.T) {
	q := newTestQueue(t)
	rdb := q.rdb
	a, b := q.NewTurn(), q.NewTurn()

	first := take(t, a, true)
	take(t, b, false)
	if again := take(t, a, true); again != first {
		t.Errorf("renewed as %d, want %d", again, first)
	}
	if err := b.Give(t.Context()); err != nil { // it has none to give
		t.Fatal(err)
	}
	take(t, b, false)
	if err := a.Give(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := take(t, b, true)
	if second < first+TurnFences {
		t.Errorf("the next turn begins at %d, want at least %d", second, first+TurnFences)
	}
	ttl, err := rdb.PTTL(t.Context(), q.keys.turn).Result()
	if err != nil || ttl <= TurnLease/2 || ttl > TurnLease {
		t.Errorf("the lease is %s, %v; want %s", ttl, err, TurnLease)
	}
}

// A turn whose lease ran out is another one when it is taken again.
func TestTurnThatRanOut(t *testing.T) {
	q := newTestQueue(t)
	rdb := q.rdb
	a, b := q.NewTurn(), q.NewTurn()
	first := take(t, a, true)
	if err := rdb.PExpire(t.Context(), q.keys.turn, time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	for held := false; !held; {
		var err error
		if _, held, err = b.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Give(t.Context()); err != nil { // it is not its own any more
		t.Fatal(err)
	}
	take(t, a, false)
	if err := b.Give(t.Context()); err != nil {
		t.Fatal(err)
	}
	if third := take(t, a, true); third < first+2*TurnFences {
		t.Errorf("taken again as %d, want at least %d", third, first+2*TurnFences)
	}
}

// Fence numbers never fall back, whatever the clock of Redis does.
func TestFenceWhenTheClockIsSetBack(t *testing.T) {
	q := newTestQueue(t)
	rdb := q.rdb
	const future = 9_000_000_000_000_000 // in the year 2255; doubles hold it exactly
	if err := rdb.Set(t.Context(), q.keys.fence, future, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if first := take(t, q.NewTurn(), true); first != future {
		t.Errorf("the turn begins at %d, want %d", first, uint64(future))
	}
}

func TestTurnOverMaxmemory(t *testing.T) {
	rdb := newTestClient(t, redistest.Start(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction"))
	q, err := New(rdb, "{full}")
	if err != nil {
		t.Fatal(err)
	}
	turn := q.NewTurn()
	for range 2 {
		take(t, turn, true)
	}
}
