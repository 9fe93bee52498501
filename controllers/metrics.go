package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// metrics shows the sizes of the queues.
type metrics struct {
	desired, ready *prometheus.GaugeVec
}

func newMetrics() *metrics {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"namespace", "queue"})
	}
	return &metrics{
		desired: gauge("asyncqueue_desired_replicas", "Workers that the operator wants for a queue."),
		ready:   gauge("asyncqueue_ready_replicas", "Workers of a queue that are ready."),
	}
}

func (m *metrics) observe(q *queuev1alpha1.AsyncQueue) {
	m.desired.WithLabelValues(q.Namespace, q.Name).Set(float64(q.Status.DesiredReplicas))
	m.ready.WithLabelValues(q.Namespace, q.Name).Set(float64(q.Status.ReadyReplicas))
}

func (m *metrics) forget(key types.NamespacedName) {
	m.desired.DeleteLabelValues(key.Namespace, key.Name)
	m.ready.DeleteLabelValues(key.Namespace, key.Name)
}

// Describe implements prometheus.Collector for the Reconciler.
func (r *Reconciler) Describe(ch chan<- *prometheus.Desc) {
	r.metrics.desired.Describe(ch)
	r.metrics.ready.Describe(ch)
}

// Collect implements prometheus.Collector for the Reconciler.
func (r *Reconciler) Collect(ch chan<- prometheus.Metric) {
	r.metrics.desired.Collect(ch)
	r.metrics.ready.Collect(ch)
}
