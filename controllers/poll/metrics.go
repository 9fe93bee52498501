package poll

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	messagesDesc = prometheus.NewDesc("asyncqueue_messages",
		"Messages of a queue in each state, as last seen by the operator.", []string{"namespace", "queue", "state"}, nil)
	inHandDesc = prometheus.NewDesc("asyncqueue_messages_in_hand",
		"Messages that workers have in hand, late runs included.", []string{"namespace", "queue"}, nil)
	reachableDesc = prometheus.NewDesc("asyncqueue_queue_reachable",
		"1 while the operator sees the queue in Redis, else 0.", []string{"namespace", "queue"}, nil)
)

// Describe implements prometheus.Collector.
func (p *Poller) Describe(ch chan<- *prometheus.Desc) {
	ch <- messagesDesc
	ch <- inHandDesc
	ch <- reachableDesc
}

// Collect implements prometheus.Collector with what is known about each queue. A
// queue that was never seen has no numbers.
func (p *Poller) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for key, seen := range p.Watched() {
		reachable := 0.0
		if seen.Known() {
			reachable = 1
		}
		gauge(reachableDesc, reachable, key.Namespace, key.Name)
		if seen.At.IsZero() {
			continue
		}
		gauge(inHandDesc, float64(seen.InHand), key.Namespace, key.Name)
		b := seen.Backlog
		for state, n := range map[string]int64{
			"waiting": b.Waiting, "delayed": b.Delayed, "reserved": b.Reserved, "timeout": b.Timeout, "failed": b.Failed,
		} {
			gauge(messagesDesc, float64(n), key.Namespace, key.Name, state)
		}
	}
}
