package controllers

import (
	"maps"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/internal/gauge"
)

var (
	desiredDesc = gauge.Desc("asyncqueue_desired_replicas", "Workers that the operator wants for a queue.")
	readyDesc   = gauge.Desc("asyncqueue_ready_replicas", "Workers of a queue that are ready.")
)

// metrics shows the sizes of the queues. The zero value has none. It is safe for
// concurrent use.
type metrics struct {
	mu    sync.Mutex
	sizes map[types.NamespacedName]sizes
}

type sizes struct{ desired, ready int32 }

func (m *metrics) observe(q *queuev1alpha1.AsyncQueue) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sizes == nil {
		m.sizes = map[types.NamespacedName]sizes{}
	}
	m.sizes[*keyOf(q)] = sizes{desired: q.Status.DesiredReplicas, ready: q.Status.ReadyReplicas}
}

func (m *metrics) forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sizes, key)
}

func (m *metrics) known() map[types.NamespacedName]sizes {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.sizes)
}

// Describe implements prometheus.Collector for the Reconciler.
func (r *Reconciler) Describe(ch chan<- *prometheus.Desc) {
	ch <- desiredDesc
	ch <- readyDesc
}

// Collect implements prometheus.Collector for the Reconciler.
func (r *Reconciler) Collect(ch chan<- prometheus.Metric) {
	for key, size := range r.metrics.known() {
		q := gauge.Of(key)
		ch <- q.Metric(desiredDesc, float64(size.desired))
		ch <- q.Metric(readyDesc, float64(size.ready))
	}
}
