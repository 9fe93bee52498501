package hyperf_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asyncqueue/operator/worker/payload"
)

// load is what both sides push: of each id so many, every failEach-th of them jobs that fail twice.
type load struct {
	ids, each, failEach int
}

func (l load) class(i int) string {
	if l.failEach > 0 && i%l.failEach == 0 {
		return "FailJob"
	}
	return "NoopJob"
}

// push lets an application push all of the ids, and a Go producer too; the bytes of equal ids are
// equal. The ids are numbered from the first one on. It returns how often each id was pushed.
func (l load) push(t *testing.T, c *channel, first int) map[string]int {
	t.Helper()
	total := map[string]int{}
	one := 1
	var words []string
	var payloads [][]byte
	for range l.each {
		for i := first; i < first+l.ids; i++ {
			id := fmt.Sprintf("job-%d", i)
			words = append(words, "push", l.class(i), id, "1")
			if l.each == 1 {
				id = "go-" + id
			}
			p, err := payload.NewHyperf(payload.HyperfJob{Class: `App\Job\` + l.class(i), UniqueID: id, MaxAttempts: &one})
			if err != nil {
				t.Fatal(err)
			}
			payloads = append(payloads, p)
			total[id]++
			total[fmt.Sprintf("job-%d", i)]++
		}
	}
	pushing := c.php(t, nil, 0, words...)
	for _, p := range payloads {
		if err := c.queue.Push(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	pushing.wait()
	return total
}

// Two applications and a worker of ours consume what an application and a Go program push. Every
// message ends once. Where bytes are equal Hyperf may lose some of its own, and tells so; ours none.
func TestBothConsumeOneChannel(t *testing.T) {
	for name, test := range map[string]struct {
		load       load
		mayVanish  bool
		consumeNow bool // while it is pushed
	}{
		"distinct":              {load: load{ids: 500, each: 1, failEach: 10}, consumeNow: true},
		"distinct, a backlog":   {load: load{ids: 500, each: 1, failEach: 10}},
		"equal":                 {load: load{ids: 5, each: 80}, consumeNow: true},
		"equal, a backlog":      {load: load{ids: 5, each: 80}},
		"equal that fail":       {load: load{ids: 5, each: 30, failEach: 2}, mayVanish: true, consumeNow: true},
		"all equal":             {load: load{ids: 1, each: 100}, consumeNow: true},
		"all equal, which fail": {load: load{ids: 1, each: 50, failEach: 1}, mayVanish: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, php, ours := newChannel(t), newLedger(), newLedger()
			var consumers []*process
			consume := func() {
				for range 2 {
					consumers = append(consumers, c.php(t, php.tell, 0, steps("set pop=1 set handle=30 set retry=1 serve")...))
				}
				c.startWorker(t, ours.tell)
			}
			if test.consumeNow {
				consume()
			}
			want := test.load.push(t, c, 0)
			if !test.consumeNow {
				consume()
			}
			c.finish(t)
			for _, consumer := range consumers {
				consumer.stop()
			}
			ended := sum(php.counts("acked", "vanished"), ours.counts("acked"), c.look(t).count("failed"))
			if diff := cmp.Diff(want, ended, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("each message ends once (-pushed +ended):\n%s", diff)
			}
			if vanished := php.total("vanished"); vanished > 0 && !test.mayVanish {
				t.Errorf("Hyperf lost %d", vanished)
			}
			if test.load.ids > 1 && (php.total("ran") == 0 || ours.total("ran") == 0) {
				t.Errorf("the application ran %d jobs, ours %d", php.total("ran"), ours.total("ran"))
			}
			t.Logf("of %d runs the application had %d, and lost %d", php.total("ran")+ours.total("ran"), php.total("ran"), php.total("vanished"))
		})
	}
}

// Applications and workers of ours die all the time. What is lost is what dying applications had
// taken and not put down: at most one message each.
func TestBothDieOnOneChannel(t *testing.T) {
	t.Parallel()
	const deaths = 20 // of each kind
	c, php, ours := newChannel(t), newLedger(), newLedger()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var applications, workers atomic.Int64
	random := rand.New(rand.NewPCG(1, 2))
	group.Go(func() {
		for ctx.Err() == nil {
			if c.php(t, php.tell, 1+random.IntN(150), steps("set pop=1 set handle=1 set retry=1 consume 30")...).wait() {
				applications.Add(1)
			}
		}
	})
	group.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			m := moment{[]string{"before", "after"}[n%2], []string{"exchange", "retry", "blmove", "fail"}[n/2%4], 1 + n%5}
			c.worker(t, ours.tell, m).killAfter(2 * time.Second)
			workers.Add(1)
		}
	})
	want := map[string]int{}
	for range 40 {
		for id := range (load{ids: 10, each: 1, failEach: 5}).push(t, c, len(want)) {
			want[id]++
		}
	}
	await(t, 60*time.Second, "enough to have died", func() bool { return applications.Load() >= deaths && workers.Load() >= deaths })
	stop()
	group.Wait()
	c.startWorker(t, ours.tell)
	await(t, time.Minute, "the dead to be found", func() bool {
		beats, err := c.queue.Workers(t.Context())
		return err == nil && len(beats) == 1
	})
	c.finish(t)
	lost, ended := php.counts("lost"), sum(php.counts("acked"), ours.counts("acked"), c.look(t).count("failed"))
	for id := range want {
		if ended[id] == 0 && lost[id] == 0 {
			t.Errorf("%s is gone, and no application tells of it", id)
		}
	}
	if int64(len(lost)) > applications.Load() {
		t.Errorf("%d applications died and lost %d messages", applications.Load(), len(lost))
	}
	t.Logf("%d applications died and lost %d of %d messages; %d workers died and lost none; %d runs",
		applications.Load(), len(lost), len(want), workers.Load(), php.total("ran")+ours.total("ran"))
}

// killAfter waits for the end, and brings it about after a time.
func (p *process) killAfter(limit time.Duration) {
	select {
	case <-p.ended:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}
