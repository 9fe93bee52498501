package poll

import (
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asyncqueue/operator/internal/gauge"
)

// Metrics counts the poller's looks.
type Metrics struct {
	duration prometheus.Histogram
	failures prometheus.Counter
}

// NewMetrics returns Metrics that are not registered yet.
func NewMetrics() *Metrics {
	return &Metrics{
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "asyncqueue_poll_duration_seconds",
			Help:    "How long one look at all queues of one Redis took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5},
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "asyncqueue_poll_errors_total",
			Help: "Looks that got no answer from Redis.",
		}),
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	m.duration.Describe(ch)
	m.failures.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.duration.Collect(ch)
	m.failures.Collect(ch)
}

func (m *Metrics) looked(took time.Duration, err error) {
	m.duration.Observe(took.Seconds())
	if err != nil {
		m.failures.Inc()
	}
}

var (
	messagesDesc  = gauge.Desc("asyncqueue_messages", "Messages of a queue in each state, as last seen by the operator.", "state")
	inHandDesc    = gauge.Desc("asyncqueue_messages_in_hand", "Messages that workers have in hand, late runs included.")
	reachableDesc = gauge.Desc("asyncqueue_queue_reachable", "1 while the operator sees the queue in Redis, else 0.")
)

// stateGauges are the gauges of a backlog.
var stateGauges = []struct {
	label gauge.Label
	count func(Backlog) int64
}{
	{gauge.NewLabel("state", "waiting"), func(b Backlog) int64 { return b.Waiting }},
	{gauge.NewLabel("state", "delayed"), func(b Backlog) int64 { return b.Delayed }},
	{gauge.NewLabel("state", "reserved"), func(b Backlog) int64 { return b.Reserved }},
	{gauge.NewLabel("state", "timeout"), func(b Backlog) int64 { return b.Timeout }},
	{gauge.NewLabel("state", "failed"), func(b Backlog) int64 { return b.Failed }},
}

// Describe implements prometheus.Collector.
func (p *Poller) Describe(ch chan<- *prometheus.Desc) {
	ch <- messagesDesc
	ch <- inHandDesc
	ch <- reachableDesc
}

// Collect implements prometheus.Collector with what is known about each queue. A
// queue that was never seen has no numbers.
func (p *Poller) Collect(ch chan<- prometheus.Metric) {
	p.mu.Lock()
	places := maps.Clone(p.places)
	p.mu.Unlock()
	for key, l := range places {
		seen, q := l.latest(key), gauge.Of(key)
		reachable := 0.0
		if seen.Known() {
			reachable = 1
		}
		ch <- q.Metric(reachableDesc, reachable)
		if seen.At.IsZero() {
			continue
		}
		ch <- q.Metric(inHandDesc, float64(seen.InHand))
		for _, state := range stateGauges {
			ch <- q.Metric(messagesDesc, float64(state.count(seen.Backlog)), state.label)
		}
	}
}
