package queue

import (
	"testing"
	"time"
)

func TestMainPath(t *testing.T) {
	q, ctx := newTestQueue(t), t.Context()
	mustPush(t, q, "a", "b", "c", "d")
	c := newTestConsumer(t, q, ConsumerConfig{})
	runs := mustExchange(t, c, nil, 3).Runs
	if len(runs) != 3 || string(runs[0].Payload) != "a" || string(runs[2].Payload) != "c" {
		t.Fatalf("claimed %v", runs)
	}
	if out, err := c.Retry(ctx, runs[1].ID, []byte("b1"), 20*time.Millisecond); err != nil || out != Moved {
		t.Fatal(out, err)
	}
	if out, err := c.Fail(ctx, runs[2].ID, "no good"); err != nil || out != Moved {
		t.Fatal(out, err)
	}
	more := mustExchange(t, c, []RunID{runs[0].ID}, 2)
	if len(more.Runs) != 1 || len(more.Lost) != 0 {
		t.Fatalf("%+v", more)
	}
	if out, err := c.Expire(ctx, more.Runs[0].ID); err != nil || out != Moved {
		t.Fatal(out, err)
	}
	keeper := q.NewKeeper(KeeperConfig{})
	eventually(t, 2*time.Second, "the retry", func() bool { return mustTend(t, keeper).Moved == 1 })
	if found, err := c.Await(ctx, time.Second); err != nil || !found {
		t.Fatal(found, err)
	}
	last := mustExchange(t, c, []RunID{more.Runs[0].ID}, 5)
	if len(last.Runs) != 1 || string(last.Runs[0].Payload) != "b1" || len(last.Late) != 1 {
		t.Fatalf("%+v", last)
	}
	beat, err := c.Beat(ctx, Load{Running: 1})
	if err != nil || !beat.Tender {
		t.Fatal(beat, err)
	}
	if err := c.Release(ctx, last.Runs[0].ID); err != nil {
		t.Fatal(err)
	}
	counts, err := q.Counts(ctx, 0)
	if err != nil || counts != (Counts{Waiting: 1, Timeout: 1, Failed: 1}) {
		t.Fatalf("%+v %v", counts, err)
	}
	reloaded, err := q.Reload(ctx, Timeout, ReloadOptions{})
	if err != nil || reloaded.Moved != 1 {
		t.Fatal(reloaded, err)
	}
	if err := c.Leave(ctx); err != nil {
		t.Fatal(err)
	}
}
