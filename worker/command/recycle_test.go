package command_test

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// A recycled worker keeps its process id, so that its container does not end, and
// is as able to stop as a fresh one.
func TestRecyclingReplacesTheProcessInPlace(t *testing.T) {
	p := newPlace(t)
	w := startProcess(t, p.flags("--listen=", "--concurrency=3", "--max-messages=10")...)
	p.push(sleepers(95, time.Millisecond)...)
	await(t, 60*time.Second, "the end of all messages", func() bool { return w.said("ended") == 95 })
	const starting = `"msg":"Starting."`
	await(t, 30*time.Second, "nine recyclings", func() bool { return strings.Count(w.logged(), starting) == 10 })
	w.signal(syscall.SIGTERM)
	if status := w.awaitExit(30 * time.Second); status != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0", status)
	}
	if n := strings.Count(w.logged(), starting); n != 10 {
		t.Errorf("started %d times, want 10", n)
	}
	if c := p.counts(); c.Waiting+c.Delayed+c.Reserved+c.Timeout+c.Failed != 0 {
		t.Errorf("counts = %+v", c)
	}
}
