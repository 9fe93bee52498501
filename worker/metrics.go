package worker

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxTypes bounds the values of the label type: a producer chooses the names of
// jobs, and each costs memory here and in Prometheus.
const maxTypes = 100

// maxLabel bounds the bytes of a label.
const maxLabel = 128

// otherTypes is the label of all types beyond maxTypes.
const otherTypes = "other"

// Metrics counts what a worker does. Give it to Config.Metrics.
//
//	asyncqueue_worker_runs_started_total{type}
//	asyncqueue_worker_runs_total{type,result}   ack, drop, retry, requeue, fail
//	asyncqueue_worker_run_seconds{type}         from claim to the handler's end
//	asyncqueue_worker_wait_seconds{type}        from the message's time to its first run
//	asyncqueue_worker_timeouts_total{type}
//	asyncqueue_worker_claims_total, asyncqueue_worker_claimed_messages_total
//	asyncqueue_worker_lost_runs_total           acknowledged too late: swept before
//	asyncqueue_worker_redis_errors_total
//	asyncqueue_worker_in_hand, asyncqueue_worker_concurrency
//
// The label type has the first 100 types of jobs that came, and "other" for the
// rest; longer names are cut at 128 bytes. The wait is known of CloudEvents that
// carry a time; a delay that the producer asked for is part of it.
type Metrics struct {
	registerer prometheus.Registerer
	started    *prometheus.CounterVec
	ended      *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	waits      *prometheus.HistogramVec
	timeouts   *prometheus.CounterVec
	redis      prometheus.Counter

	types sync.Map // string -> *typeMetrics
	known atomic.Int64
}

// typeMetrics spares the happy path the look-up of labels.
type typeMetrics struct {
	started, acked prometheus.Counter
	seconds, waits prometheus.Observer
	label          string
}

// NewMetrics registers a worker's metrics. It panics where they are registered
// already, as prometheus.MustRegister does.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	m := &Metrics{
		registerer: r,
		started:    counter("asyncqueue_worker_runs_started_total", "Runs of handlers that began.", "type"),
		ended:      counter("asyncqueue_worker_runs_total", "Runs that ended, by what became of the message.", "type", "result"),
		timeouts:   counter("asyncqueue_worker_timeouts_total", "Runs that outlived the handle timeout.", "type"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "asyncqueue_worker_run_seconds",
			Help:    "Time from the claim of a message to the end of its handler.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 1800},
		}, []string{"type"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "asyncqueue_worker_wait_seconds",
			Help:    "Time from the time that a message carries to the beginning of its first run.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 1800, 7200},
		}, []string{"type"}),
		redis: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "asyncqueue_worker_redis_errors_total",
			Help: "Calls to Redis that failed and were repeated.",
		}),
	}
	r.MustRegister(m.seconds, m.waits, m.redis)
	return m
}

func (m *Metrics) redisError() { m.redis.Inc() }

// watch adds what is read from the worker at each scrape.
func (m *Metrics) watch(w *Worker) {
	gauge := func(name, help string, value func() float64) {
		m.registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("asyncqueue_worker_in_hand", "Messages in hand, late runs included.",
		func() float64 { return float64(w.load.running.Load()) })
	gauge("asyncqueue_worker_concurrency", "Handlers that may run at once.",
		func() float64 { return float64(w.Concurrency()) })
	counter := func(name, help string, value func() uint64) {
		m.registerer.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(value()) }))
	}
	counter("asyncqueue_worker_claims_total", "Claims that brought messages.", w.load.claims.Load)
	counter("asyncqueue_worker_claimed_messages_total", "Messages that claims brought.", w.load.claimed.Load)
	m.registerer.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "asyncqueue_worker_lost_runs_total",
		Help: "Runs that ended well after their message had been taken back from this worker.",
	}, func() float64 { return float64(w.load.lost.Load()) }))
}

// listen is the Listener that counts.
func (m *Metrics) listen(_ context.Context, e Event) {
	if e.Job == nil {
		return
	}
	t := m.of(e.Job.Type)
	switch e.Kind {
	case BeforeHandle:
		t.started.Inc()
		t.wait(e.Job)
		return
	case TimeoutHandle:
		m.timeouts.WithLabelValues(t.label).Inc()
		return
	case AfterHandle:
		if e.Err == nil {
			t.acked.Inc()
		} else {
			m.ended.WithLabelValues(t.label, actionDrop.String()).Inc()
		}
	case RetryHandle:
		m.ended.WithLabelValues(t.label, actionRetry.String()).Inc()
	case RequeueHandle:
		m.ended.WithLabelValues(t.label, actionRequeue.String()).Inc()
	case FailedHandle:
		m.ended.WithLabelValues(t.label, actionFail.String()).Inc()
	case QueueLength:
		return
	}
	t.seconds.Observe(e.Elapsed.Seconds())
}

// of returns the metrics of one type of job.
func (m *Metrics) of(jobType string) *typeMetrics {
	jobType = jobType[:min(len(jobType), maxLabel)]
	if t, ok := m.types.Load(jobType); ok {
		return t.(*typeMetrics)
	}
	if m.known.Load() >= maxTypes {
		jobType = otherTypes
	}
	label := strings.ToValidUTF8(jobType, "\uFFFD") // PHP's names are bytes; Prometheus panics at those
	t, loaded := m.types.LoadOrStore(strings.Clone(jobType), &typeMetrics{
		started: m.started.WithLabelValues(label),
		acked:   m.ended.WithLabelValues(label, actionAck.String()),
		seconds: m.seconds.WithLabelValues(label),
		waits:   m.waits.WithLabelValues(label),
		label:   label,
	})
	if !loaded {
		m.known.Add(1)
	}
	return t.(*typeMetrics)
}

// wait observes how long a message waited for its first run.
func (t *typeMetrics) wait(job *Job) {
	if job.Message == nil || job.Attempt != 1 || job.Redelivered != 0 {
		return
	}
	if at := job.Message.Time(); !at.IsZero() {
		t.waits.Observe(max(time.Since(at), 0).Seconds()) // the clocks of producers differ
	}
}
