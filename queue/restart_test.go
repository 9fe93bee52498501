package queue

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/internal/redistest"
)

// Redis is killed while messages stand in every state. With a log that is written before each
// answer all of them are there again, and a worker goes on as if nothing had happened.
func TestRedisIsKilledAndStartsAgain(t *testing.T) {
	dir := t.TempDir()
	start := func() *redistest.Server {
		server, err := redistest.Launch(dir, "--appendonly", "yes", "--appendfsync", "always")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Stop)
		return server
	}
	server := start()
	q, err := New(newTestClient(t, server.Addr), "{restart}")
	if err != nil {
		t.Fatal(err)
	}
	c, runs := furnish(t, q)
	before := snapshotOf(t, q)
	server.Stop()
	if _, err := c.Exchange(t.Context(), idsOf(runs), 0); err == nil {
		t.Fatal("answered by a dead server")
	}

	again, err := New(newTestClient(t, start().Addr), "{restart}")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshotOf(t, again)); diff != "" {
		t.Errorf("state (-before +after):\n%s", diff)
	}
	c.queue = again
	if answer := mustExchange(t, c, idsOf(runs), 0); len(answer.Lost) != 0 || len(answer.Late) != 1 {
		t.Errorf("%+v", answer)
	}
	if found, err := c.Await(t.Context(), time.Second); !found || err != nil {
		t.Error(found, err)
	}
}
