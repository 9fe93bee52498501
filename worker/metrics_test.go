package worker

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// The wait is that of first runs, of messages that carry a time.
func TestWaitMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now().Add(-3 * time.Second).Format(time.RFC3339Nano)
		timed := func(id, at string) string {
			return fmt.Sprintf(`{"specversion":"1.0","type":"a","id":%q,"source":"test","time":%q,"data":{}}`, id, at)
		}
		registry := prometheus.NewRegistry()
		failed := false
		b := start(t, newFakeStore(timed("1", at), timed("2", time.Now().Add(time.Hour).Format(time.RFC3339)), message("a", "3")),
			func(_ context.Context, j *Job) error {
				if j.ID == "1" && !failed {
					failed = true
					return errDown
				}
				return nil
			}, func(c *Config) { c.Metrics, c.MaxAttempts = NewMetrics(registry), 1 })
		time.Sleep(time.Minute)
		b.end()
		want := `
# HELP asyncqueue_worker_claimed_messages_total Messages that claims brought.
# TYPE asyncqueue_worker_claimed_messages_total counter
asyncqueue_worker_claimed_messages_total 4
# HELP asyncqueue_worker_claims_total Claims that brought messages.
# TYPE asyncqueue_worker_claims_total counter
asyncqueue_worker_claims_total 3
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "asyncqueue_worker_claims_total", "asyncqueue_worker_claimed_messages_total"); err != nil {
			t.Error(err)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "asyncqueue_worker_wait_seconds" {
				continue
			}
			h := f.GetMetric()[0].GetHistogram()
			if h.GetSampleCount() != 2 || h.GetSampleSum() != 3 {
				t.Errorf("%d waits of %g s together, want 2 of 3 s", h.GetSampleCount(), h.GetSampleSum())
			}
			return
		}
		t.Error("no wait was observed")
	})
}

func TestMetricsBoundTheLengthOfTypes(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	m.listen(t.Context(), Event{Kind: BeforeHandle, Job: &Job{Type: strings.Repeat("x", 10_000)}})
	if got := testutil.ToFloat64(m.started.WithLabelValues(strings.Repeat("x", maxLabel))); got != 1 {
		t.Errorf("%g runs under the shortened name, want 1", got)
	}
}
