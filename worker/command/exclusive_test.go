package command_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// writer writes a message for the job write.
func writer(id string, d time.Duration) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"write","id":%q,"source":"test","data":{"ms":%d}}`, id, d.Milliseconds())
}

// heard returns what the lines of the standard output that begin with prefix end
// with.
func (p *process) heard(prefix string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for line := range p.lines {
		if rest, found := strings.CutPrefix(line, prefix+" "); found {
			list = append(list, rest)
		}
	}
	return list
}

// numbers returns the last words of lines, as sorted numbers.
func numbers(t *testing.T, lines []string) []int64 {
	t.Helper()
	list := make([]int64, 0, len(lines))
	for _, line := range lines {
		n, err := strconv.ParseInt(line[strings.LastIndexByte(line, ' ')+1:], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// A worker of an exclusive queue that is stopped (SIGSTOP), and goes on when
// another has long had its turn, does nothing more.
func TestAStoppedExclusiveWorkerOverlapsNobody(t *testing.T) {
	p := newPlace(t)
	flags := p.flags("--listen=", "--concurrency=1", "--exclusive", "--handle-seconds=60")
	first := startProcess(t, flags...)
	p.push(writer("a", time.Minute))
	await(t, 20*time.Second, "the first run", func() bool { return first.said("wrote") > 10 })

	second := startProcess(t, flags...)
	p.push(writer("b", 3*time.Second))
	first.signal(syscall.SIGSTOP)
	await(t, 2*queue.TurnLease+20*time.Second, "the second worker's run", func() bool { return second.said("wrote") > 10 })
	first.signal(syscall.SIGCONT)
	await(t, 20*time.Second, "the end of the first run", func() bool { return first.said("cut off a: ") == 1 })
	await(t, 20*time.Second, "the end of the second run", func() bool { return second.said("ended b") == 1 })

	wrote, meanwhile := numbers(t, first.heard("wrote a")), numbers(t, second.heard("wrote b"))
	if last, began := wrote[len(wrote)-1], meanwhile[0]; last >= began {
		t.Errorf("the first worker wrote %s after the second had begun", time.Duration(last-began))
	}
	a, b := numbers(t, first.heard("began")), numbers(t, second.heard("began"))
	if len(a) != 1 || len(b) != 1 || a[0] >= b[0] {
		t.Errorf("fences %v of the first, %v of the second worker", a, b)
	}
	if said := first.heard("cut off"); !strings.Contains(said[0], "turn") {
		t.Errorf("the first run ended because of %q", said)
	}
}

// Two workers of an exclusive queue, one killed in the middle: no two runs overlap,
// and the other goes on.
func TestAKilledExclusiveWorkerIsFollowedByAnother(t *testing.T) {
	p := newPlace(t)
	flags := p.flags("--listen=", "--concurrency=1", "--exclusive", "--handle-seconds=60")
	first := startProcess(t, flags...)
	for i := range 10 {
		p.push(writer(fmt.Sprint("m", i), 100*time.Millisecond))
	}
	await(t, 20*time.Second, "the first runs", func() bool { return first.said("ended") > 2 })
	second := startProcess(t, flags...)
	first.signal(syscall.SIGKILL)
	await(t, 2*queue.TurnLease+20*time.Second, "the other runs", func() bool { return first.said("began")+second.said("ended") == 10 })
	wrote, after := numbers(t, first.heard("wrote")), numbers(t, second.heard("wrote"))
	if wrote[len(wrote)-1] >= after[0] {
		t.Error("the second worker began before the first was killed")
	}
	second.signal(syscall.SIGTERM)
	if status := second.awaitExit(20 * time.Second); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}
