package queue

import (
	"testing"
	"time"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestGate(t *testing.T) {
	ctx := t.Context()
	rdb := newTestClient(t, redistest.Shared(t))
	gate := NewGate(rdb, "c:IS_PUSH_gate-test")
	is := func(what string, want bool) {
		t.Helper()
		if got, err := gate.IsOpen(ctx); err != nil || got != want {
			t.Errorf("%s: open %t, %v; want %t", what, got, err, want)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is("a gate that nobody set", true)
	do(gate.Close(ctx, time.Minute))
	is("closed", false)
	if value, ttl := rdb.Get(ctx, gate.Key()).Val(), rdb.TTL(ctx, gate.Key()).Val(); value != "b:0;" || ttl <= 0 || ttl > time.Minute {
		t.Errorf("PHP reads %q for %v", value, ttl)
	}
	do(gate.Close(ctx, GateTTL))
	if ttl := rdb.TTL(ctx, gate.Key()).Val(); ttl <= time.Minute {
		t.Errorf("renewed, it stays for %v", ttl)
	}
	do(gate.Open(ctx))
	do(gate.Open(ctx))
	is("opened again", true)
	// Only false refuses: PHP's check is strict.
	for _, value := range []string{"b:1;", "i:0;", "N;", "", "0"} {
		do(rdb.Set(ctx, gate.Key(), value, time.Minute).Err())
		is("with the value "+value, true)
	}
	do(rdb.Del(ctx, gate.Key()).Err())
	do(rdb.HSet(ctx, gate.Key(), "a", 1).Err())
	if _, err := gate.IsOpen(ctx); err == nil {
		t.Error("a gate of another type is no error")
	}
}
