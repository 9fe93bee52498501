package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/asyncqueue/operator/queue"
)

func allEvents(secret string) []Event {
	job := &Job{ID: "id-1", Type: `App\Job\DemoJob`, Attempt: 2, Redelivered: 1}
	cause := errors.New("broken pipe")
	return []Event{
		{Kind: BeforeHandle, Job: job},
		{Kind: AfterHandle, Job: job, Moved: queue.Moved, Elapsed: time.Second},
		{Kind: AfterHandle, Job: job, Moved: queue.WasLate, Late: true},
		{Kind: AfterHandle, Job: job, Err: Drop},
		{Kind: FailedHandle, Job: job, Err: cause, Moved: queue.Moved},
		{Kind: FailedHandle, Job: job, Err: &PanicError{Value: "oh", Stack: []byte("main.go:1" + secret)}},
		{Kind: RetryHandle, Job: job, Err: cause, Delay: 5 * time.Second},
		{Kind: TimeoutHandle, Job: job},
		{Kind: RequeueHandle, Job: job, Err: ErrUnknownType, Delay: 5 * time.Second},
		{Kind: QueueLength, State: queue.Waiting, Length: 9},
		{Kind: QueueLength, State: queue.Waiting, Length: 49},
		{Kind: QueueLength, State: queue.Waiting, Length: 499},
		{Kind: QueueLength, State: queue.Waiting, Length: 500},
	}
}

// The seed's S20.
func TestJobLog(t *testing.T) {
	const x = `App\Job\DemoJob.`
	failures := []string{
		"INFO Processed " + x, "WARN Dropped " + x, "ERROR Failed " + x, "ERROR Failed " + x, "WARN Retried " + x,
		"WARN Timed out " + x, "WARN Requeued " + x,
		"DEBUG Queue length.", "INFO Queue length.", "WARN Queue length.", "ERROR Queue length.",
	}
	tests := map[JobLog][]string{
		JobLogFailures: failures,
		JobLogAll:      append([]string{"INFO Processing " + x, "INFO Processed " + x}, failures...),
		JobLogNone:     nil,
	}
	for choice, want := range tests {
		t.Run(string(choice), func(t *testing.T) {
			var out bytes.Buffer
			listen := NewJobLog(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), choice)
			for _, e := range allEvents("") {
				listen(t.Context(), e)
			}
			var got []string
			for line := range strings.Lines(out.String()) {
				var record map[string]any
				if err := json.Unmarshal([]byte(line), &record); err != nil {
					t.Fatal(err)
				}
				got = append(got, fmt.Sprint(record["level"], " ", record["msg"]))
				if record["state"] == nil && (record["jobID"] != "id-1" || record["attempt"] != 2.0) {
					t.Errorf("%s lacks the job's attributes", line)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		store := newFakeStore(slices.Concat(messages("good", 3), messages("bad", 2), messages("odd", 1), []string{"??"})...)
		b := start(t, store, func(_ context.Context, j *Job) error {
			switch j.Type {
			case "bad":
				return errors.New("no")
			case "odd":
				time.Sleep(11 * time.Second)
			}
			return nil
		}, func(c *Config) { c.Metrics = NewMetrics(registry); c.MaxAttempts = 1 })
		time.Sleep(3 * time.Second)
		want := `
# HELP asyncqueue_worker_in_hand Messages in hand, late runs included.
# TYPE asyncqueue_worker_in_hand gauge
asyncqueue_worker_in_hand 1
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "asyncqueue_worker_in_hand"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		want = `
# HELP asyncqueue_worker_runs_total Runs that ended, by what became of the message.
# TYPE asyncqueue_worker_runs_total counter
asyncqueue_worker_runs_total{result="ack",type="bad"} 0
asyncqueue_worker_runs_total{result="ack",type="good"} 3
asyncqueue_worker_runs_total{result="ack",type="odd"} 1
asyncqueue_worker_runs_total{result="ack",type="undecodable"} 0
asyncqueue_worker_runs_total{result="fail",type="bad"} 2
asyncqueue_worker_runs_total{result="fail",type="undecodable"} 1
asyncqueue_worker_runs_total{result="retry",type="bad"} 2
# HELP asyncqueue_worker_timeouts_total Runs that outlived the handle timeout.
# TYPE asyncqueue_worker_timeouts_total counter
asyncqueue_worker_timeouts_total{type="odd"} 1
# HELP asyncqueue_worker_redis_errors_total Calls to Redis that failed and were repeated.
# TYPE asyncqueue_worker_redis_errors_total counter
asyncqueue_worker_redis_errors_total 0
`
		names := []string{"asyncqueue_worker_runs_total", "asyncqueue_worker_timeouts_total", "asyncqueue_worker_redis_errors_total"}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
			t.Error(err)
		}
		b.end()
	})
}

// Producers choose the names of jobs; memory must not follow them.
func TestMetricsBoundTheTypes(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	for i := range 10 * maxTypes {
		m.listen(t.Context(), Event{Kind: BeforeHandle, Job: &Job{Type: fmt.Sprintf("type-%d", i)}})
	}
	n, err := testutil.GatherAndCount(registry, "asyncqueue_worker_runs_started_total")
	if err != nil || n != maxTypes+1 {
		t.Errorf("%d series, %v; want %d", n, err, maxTypes+1)
	}
	if got := testutil.ToFloat64(m.started.WithLabelValues(otherTypes)); got != 9*maxTypes {
		t.Errorf("%g runs of other types, want %d", got, 9*maxTypes)
	}
}

// fakeKeeper tells lengths.
type fakeKeeper struct {
	mu     sync.Mutex
	counts queue.Counts
	beats  []queue.Beat
	calls  []time.Time
	err    error
	more   int
}

func (k *fakeKeeper) Tend(context.Context) (queue.Tended, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, time.Now())
	got := queue.Tended{Counts: k.counts, Now: time.Now(), More: k.more > 0, Beats: k.beats}
	k.more--
	return got, k.err
}

func (k *fakeKeeper) looks() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.calls)
}

func (k *fakeKeeper) change(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

func TestTender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeper := &fakeKeeper{counts: queue.Counts{Waiting: 7, Failed: 2}, more: 3}
		var lengths []string
		b := start(t, newFakeStore(), func(context.Context, *Job) error { return nil }, func(c *Config) {
			c.Keeper = keeper
			c.Listeners = []Listener{func(_ context.Context, e Event) {
				if e.Kind == QueueLength {
					lengths = append(lengths, fmt.Sprintf("%s %d", e.State, e.Length))
				}
			}}
		})
		if n := keeper.looks(); n < 4 || n > 5 {
			t.Errorf("%d looks at once, want 4: more was due", n)
		}
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if n := keeper.looks(); n > 4+23 {
			t.Errorf("%d looks in 9 s", n)
		}
		keeper.change(func() { keeper.counts.Waiting = 8 })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		want := []string{"waiting 7", "delayed 0", "reserved 0", "timeout 0", "failed 2", "waiting 8"}
		if diff := cmp.Diff(want, lengths); diff != "" {
			t.Errorf("lengths (-want +got):\n%s", diff)
		}
		keeper.change(func() { keeper.err = errDown })
		before := keeper.looks()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := keeper.looks() - before; n > 100 {
			t.Errorf("%d looks in a minute without Redis", n)
		}
		b.end()
	})
}

// What each duty costs: beyond the beats that every worker sends, tender and deputy send
// no more than 4 commands a second together, so that one is left for the operator's poller.
func TestDuties(t *testing.T) {
	tests := map[string]struct {
		duty                 queue.BeatResult
		wantLooks, wantBeats int // in 100 s
	}{
		"the tender":     {queue.BeatResult{Tender: true}, 223, 51},
		"the deputy":     {queue.BeatResult{Deputy: true}, 0, 223},
		"everybody else": {queue.BeatResult{}, 0, 51},
	}
	extra := -2 * 51
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, keeper := newFakeStore(), &fakeKeeper{}
				store.duty = test.duty
				b := start(t, store, func(context.Context, *Job) error { return nil }, func(c *Config) { c.Keeper = keeper })
				time.Sleep(100*time.Second + time.Millisecond)
				synctest.Wait()
				var beats int
				store.look(func() { beats = store.calls["beat"] })
				if n := keeper.looks(); n != test.wantLooks || beats != test.wantBeats {
					t.Errorf("%d looks and %d beats in 100 s, want %d and %d", n, beats, test.wantLooks, test.wantBeats)
				}
				if test.duty.Tender || test.duty.Deputy {
					extra += keeper.looks() + beats
				}
				b.end()
			})
		})
	}
	if extra > 400 {
		t.Errorf("tender and deputy send %d commands in 100 s more than idle workers do", extra)
	}
}

// A duty begins and ends with a beat. A process that stood still does not make up for its beats.
func TestDutiesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, keeper := newFakeStore(), &fakeKeeper{}
		store.duty = queue.BeatResult{}
		b := start(t, store, func(context.Context, *Job) error { return nil }, func(c *Config) { c.Keeper = keeper })
		within := func(d time.Duration, duty queue.BeatResult) (looks, beats int) {
			var before, after int
			store.look(func() { store.duty, before = duty, store.calls["beat"] })
			looks = keeper.looks()
			time.Sleep(d)
			synctest.Wait()
			store.look(func() { after = store.calls["beat"] })
			return keeper.looks() - looks, after - before
		}
		within(10*time.Second, queue.BeatResult{Deputy: true})
		if looks, beats := within(9*time.Second, queue.BeatResult{Deputy: true}); looks != 0 || beats != 20 {
			t.Errorf("a deputy: %d looks and %d beats in 9 s", looks, beats)
		}
		within(queue.DeputyEvery, queue.BeatResult{Tender: true})
		if looks, beats := within(9*time.Second, queue.BeatResult{Tender: true}); looks != 20 || beats > 5 {
			t.Errorf("a deputy that became tender: %d looks and %d beats in 9 s", looks, beats)
		}
		within(queue.BeatEvery, queue.BeatResult{})
		if looks, beats := within(10*time.Second, queue.BeatResult{}); looks != 0 || beats != 5 {
			t.Errorf("no duty any more: %d looks and %d beats in 10 s", looks, beats)
		}
		b.end()
	})
}

func TestUntilNext(t *testing.T) {
	now := time.Now()
	due := func(d time.Duration) queue.Tended {
		return queue.Tended{Now: now, Counts: queue.Counts{NextDue: now.Add(d)}}
	}
	tests := map[string]struct {
		seen queue.Tended
		want time.Duration
	}{
		"nothing delayed":     {queue.Tended{Now: now}, tendInterval},
		"due in an hour":      {due(time.Hour), tendInterval},
		"due in a while":      {due(150 * time.Millisecond), 150 * time.Millisecond},
		"due in a moment":     {due(time.Millisecond), tendSoonest},
		"overdue":             {due(-time.Hour), tendSoonest},
		"more than one batch": {queue.Tended{Now: now, More: true}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := untilNext(test.seen); got != test.want {
				t.Errorf("untilNext = %s, want %s", got, test.want)
			}
		})
	}
}

func TestLiveAndReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), func(context.Context, *Job) error { return nil }, nil)
		time.Sleep(time.Hour) // an idle loop turns too
		synctest.Wait()
		if err := errors.Join(b.worker.Live(), b.worker.Ready()); err != nil {
			t.Errorf("an idle worker: %v", err)
		}
		b.worker.pulse.beat(time.Now().Add(-time.Minute))
		if b.worker.Live() == nil || b.worker.Ready() == nil {
			t.Error("a loop that stands still counts as alive")
		}
		b.end()
		if b.worker.Ready() == nil {
			t.Error("ready after the end")
		}
	})
}

// The names of PHP's classes are bytes, which Prometheus does not take as labels.
func TestMetricsTakeAnyType(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	for _, name := range []string{"App\\Job\xff", "App\\Job\xfe"} {
		m.listen(t.Context(), Event{Kind: BeforeHandle, Job: &Job{Type: name}})
		m.listen(t.Context(), Event{Kind: TimeoutHandle, Job: &Job{Type: name}})
		m.listen(t.Context(), Event{Kind: FailedHandle, Job: &Job{Type: name}})
	}
	if n := testutil.ToFloat64(m.started.WithLabelValues("App\\Job\uFFFD")); n != 2 {
		t.Errorf("counted %g, want 2", n)
	}
}
