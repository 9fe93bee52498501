package hyperf_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// What a worker of ours is given before it dies, and once it waits for more.
var (
	firstMessages = steps("push NoopJob done 0 push LateJob late 0 push FailJob again 1 push FailJob failed 0 delay 1 NoopJob due 0")
	thenMessages  = steps("push NoopJob awaited 0 push FailJob awaited-failed 0 push NoopJob last 0")
	messageIDs    = []string{"done", "late", "again", "failed", "due", "awaited", "awaited-failed", "last"}
)

// moments are before and after each kind of call that a worker makes, the first times that it does.
func moments() []moment {
	var all []moment
	for script, times := range map[string]int{
		"register": 1, "exchange": 4, "blmove": 2, "retry": 1, "fail": 2, "expire": 1, "beat": 2, "tend": 3, "sweep": 1,
	} {
		for nth := range times {
			all = append(all, moment{"before", script, nth + 1}, moment{"after", script, nth + 1})
		}
	}
	return all
}

// Our worker is killed before or after any of its calls. A Hyperf application alone ends what that
// left in the five keys; the rest, which stood in the dead worker's hand and inbox, comes there by
// the operator's poller. No message is lost, and only what the dead worker held runs again.
func TestWorkerDiesAndApplicationGoesOn(t *testing.T) {
	for _, m := range moments() {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			c, ours, php := newChannel(t), newLedger(), newLedger()
			c.php(t, nil, 0, firstMessages...).wait()
			dying := c.worker(t, ours.tell, m)
			await(t, 20*time.Second, "the worker to wait or to die", func() bool { return dying.isDead() || c.isBlocked(t) })
			c.php(t, nil, 0, thenMessages...).wait()
			if m.script == "sweep" {
				await(t, 20*time.Second, "a late job to run", func() bool { return ours.counts("ran")["late"] > 0 })
				_ = dying.stdin.Close() // it leaves while that still runs
			}
			if !dying.wait() {
				t.Fatal("it was to kill itself")
			}
			held := c.held(t)

			c.applicationEnds(t, php, func() bool { return len(c.look(t).count("waiting", "delayed", "reserved", "timeout")) == 0 })
			stopPoller := c.startPoller(t)
			c.applicationEnds(t, php, func() bool {
				return len(c.look(t).count("waiting", "delayed", "reserved", "timeout")) == 0 && len(c.held(t)) == 0
			})
			stopPoller()
			checkEnds(t, c, ours, php, held)
		})
	}
}

// applicationEnds lets applications consume and reload until the channel is as wanted.
func (c *channel) applicationEnds(t *testing.T, php *ledger, wanted func() bool) {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for !wanted() {
		if time.Now().After(deadline) {
			t.Fatalf("in five keys %v, held %v", c.look(t), c.held(t))
		}
		c.php(t, php.tell, 0, steps("set pop=1 set handle=20 set retry=1 consume 3 reload timeout")...).wait()
	}
}

// startPoller tends the channel as the operator does where no worker lives.
func (c *channel) startPoller(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	keeper := c.queue.NewKeeper(queue.KeeperConfig{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(400 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			if _, err := keeper.Tend(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("tending: %v", err)
			}
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// checkEnds holds every message to its end: once, unless the dead worker held it. Then it may have
// been done without Redis knowing, and Hyperf, to which its entry in reserved looked like one of its
// own, may have brought it back before the poller did.
func checkEnds(t *testing.T, c *channel, ours, php *ledger, held map[string]int) {
	t.Helper()
	acked, failed := sum(ours.counts("acked"), php.counts("acked")), c.look(t).count("failed")
	for _, id := range messageIDs {
		most := 1 + 2*held[id]
		if ends := acked[id] + failed[id]; ends < 1 || ends > most {
			t.Errorf("%s ended %d times, want 1 to %d", id, ends, most)
		}
	}
	if vanished := php.total("vanished", "lost"); vanished > 0 {
		t.Errorf("the application lost %d messages though nobody killed it", vanished)
	}
}
