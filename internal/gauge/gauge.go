// Package gauge shows numbers of thousands of queues to Prometheus. The numbers of one
// queue share its labels: made anew for each, they would be the most that the operator
// has in memory while it is scraped.
package gauge

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apimachinery/pkg/types"
)

// Desc describes a gauge that each queue has, or more than one of, told apart by more
// labels. Their names must come after "queue" in the alphabet.
func Desc(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"namespace", "queue"}, more...), nil)
}

// Label is one more label of a gauge. It can serve any number of queues.
type Label *dto.LabelPair

// NewLabel returns a label.
func NewLabel(name, value string) Label { return &dto.LabelPair{Name: &name, Value: &value} }

// Queue makes the gauges of one queue.
type Queue struct{ labels []*dto.LabelPair }

// Of returns the gauges of the queue with that name.
func Of(key types.NamespacedName) Queue {
	return Queue{labels: []*dto.LabelPair{NewLabel("namespace", key.Namespace), NewLabel("queue", key.Name)}}
}

// Metric is one gauge of the queue, with the labels that its Desc has beyond the
// queue's.
func (q Queue) Metric(desc *prometheus.Desc, value float64, more ...Label) prometheus.Metric {
	labels := q.labels
	if len(more) > 0 {
		labels = make([]*dto.LabelPair, 0, len(q.labels)+len(more))
		labels = append(labels, q.labels...)
		for _, label := range more {
			labels = append(labels, label)
		}
	}
	return &metric{desc: desc, labels: labels, value: value}
}

type metric struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	value  float64
}

// Desc implements prometheus.Metric.
func (m *metric) Desc() *prometheus.Desc { return m.desc }

// Write implements prometheus.Metric.
func (m *metric) Write(out *dto.Metric) error {
	out.Label, out.Gauge = m.labels, &dto.Gauge{Value: &m.value}
	return nil
}
