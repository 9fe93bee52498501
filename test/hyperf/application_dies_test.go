package hyperf_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

// deaths are what the stand-in does until it dies: all that Hyperf was recorded to do, and more.
func deaths() map[string][]string {
	all := maps.Clone(recordings)
	delete(all, "gate") // holds no message
	maps.Copy(all, map[string][]string{
		"fail-retry-fail": steps("set pop=1 set retry=1 push FailJob job-0 1 pop end job lengths pop pop end job pop"),
		"move both":       steps("delay 1 DemoJob a 0 push NoopJob b 0 set handle=1 pop sleep 2200 set pop=1 pop end job end job"),
		"several due":     steps("delay 1 DemoJob a 0 delay 1 NoopJob b 0 delay 1 FailJob c 0 sleep 2100 pop pop pop end job end job end job"),
		"requeue":         steps("push DemoJob a 0 set pop=1 set retry=1 pop end requeue pop pop end job"),
		"result retry":    steps("push DemoJob a 1 set pop=1 set retry=1 pop end retry pop pop end job"),
		"drop":            steps("push DemoJob a 0 push DemoJob b 0 pop end drop"),
		"flush":           steps("push FailJob a 0 push FailJob b 0 push DemoJob c 0 pop end job pop end job flush failed pop"),
		"reload behind":   steps("push FailJob a 0 push DemoJob b 0 pop end job reload failed pop end job"),
	})
	return all
}

// A Hyperf application is killed between any two of its commands. It loses what stands in no key at
// that moment, which is one message after BRPOP and after a ZREM that is to be followed by an add.
// Whatever stands in the five keys our worker brings to its end, once.
func TestApplicationDiesAndOursGoesOn(t *testing.T) {
	for name, script := range deaths() {
		script = append(steps("set handle=1"), script...)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := record(t, script)
			for after := range len(whole) {
				t.Run(fmt.Sprintf("killed after %d", after+1), func(t *testing.T) {
					t.Parallel()
					dieAfter(t, script, whole, after+1)
				})
			}
		})
	}
}

// record returns the commands of a run that nothing disturbs.
func record(t *testing.T, script []string) []redistest.Command {
	t.Helper()
	c := newChannel(t)
	sent := redistest.Monitor(t, c.addr, c.name)
	c.php(t, nil, 0, script...).wait()
	return sent()
}

func dieAfter(t *testing.T, script []string, whole []redistest.Command, n int) {
	c, php := newChannel(t), newLedger()
	if !c.php(t, php.tell, n, script...).wait() {
		t.Fatal("it was to kill itself")
	}
	left := c.look(t)
	if php.total("flushed") == 0 {
		checkLoss(t, whole, n, php, left)
	}
	ours := newLedger()
	c.startWorker(t, ours.tell)
	c.finish(t)
	if diff := cmp.Diff(left.count(), sum(ours.counts("acked"), c.look(t).count("failed")), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("each message that was left ends once (-left +ended):\n%s", diff)
	}
}

// checkLoss compares what the application lost with what the commands say: it lies between two of
// them that belong together.
func checkLoss(t *testing.T, whole []redistest.Command, n int, php *ledger, left fiveKeys) {
	t.Helper()
	want := map[string]int{}
	if n < len(whole) && isGap(whole[n-1], whole[n]) {
		want[idOf(t, whole[n].Words[len(whole[n].Words)-1])] = 1
	}
	if diff := cmp.Diff(want, php.counts("lost"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what the application tells to be lost (-by its commands +told):\n%s", diff)
	}
	standing, ended := left.count(), php.counts("acked", "dropped")
	for id := range pushed(t, whole[:n]) {
		if lost := standing[id] == 0 && ended[id] == 0; lost != (want[id] > 0) {
			t.Errorf("%s: lost is %t, the commands say %t", id, lost, want[id] > 0)
		}
	}
}

// isGap says whether a message stands nowhere between two commands: taken by the first and put back
// by the second.
func isGap(first, second redistest.Command) bool {
	takes := first.Words[0] == "BRPOP" || first.Words[0] == "ZREM"
	puts := second.Words[0] == "ZADD" || second.Words[0] == "LPUSH"
	return takes && puts
}

// pushed returns the ids that stand in the commands.
func pushed(t *testing.T, commands []redistest.Command) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, c := range commands {
		if last := c.Words[len(c.Words)-1]; strings.HasPrefix(last, "O:") {
			ids[idOf(t, last)] = true
		}
	}
	return ids
}

// finish waits until only `failed` holds messages, and reloads what timed out meanwhile.
func (c *channel) finish(t *testing.T) {
	t.Helper()
	await(t, time.Minute, "all messages to end", func() bool {
		counts, err := c.queue.Counts(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if counts.Timeout > 0 {
			if _, err := c.queue.Reload(t.Context(), queue.Timeout, queue.ReloadOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		return counts.Waiting+counts.Delayed+counts.Reserved+counts.Timeout == 0
	})
}

func sum(all ...map[string]int) map[string]int {
	total := map[string]int{}
	for _, counts := range all {
		for id, n := range counts {
			total[id] += n
		}
	}
	return total
}
