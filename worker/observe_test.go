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

// One worker watches closely beside the tender, so that its death is noticed soon;
// however many there are, the others together cost next to nothing.
func TestWatchers(t *testing.T) {
	tests := map[string]struct {
		names     []string // b is this one
		wantLooks int      // in 100 s
	}{
		"alone":               {[]string{"b"}, 87},
		"the first":           {[]string{"b", "c", "d", "e"}, 87},
		"the second":          {[]string{"a", "b", "c", "d"}, 6},
		"the third":           {[]string{"a", "a1", "b", "c"}, 6},
		"unknown as yet":      {nil, 21},
		"the third of twenty": {strings.Split(strings.Repeat("a", 19)+"b", ""), 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, keeper := newFakeStore(), &fakeKeeper{}
				store.modest = true
				for _, name := range test.names {
					keeper.beats = append(keeper.beats, queue.Beat{ID: name})
				}
				b := start(t, store, func(context.Context, *Job) error { return nil }, func(c *Config) { c.Keeper = keeper })
				time.Sleep(100*time.Second + time.Millisecond)
				synctest.Wait()
				if n := keeper.looks(); n != test.wantLooks {
					t.Errorf("%d looks in 100 s, want %d", n, test.wantLooks)
				}
				b.end()
			})
		})
	}
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
