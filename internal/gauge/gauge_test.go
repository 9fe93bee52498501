package gauge_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/internal/gauge"
)

var (
	sizeDesc  = gauge.Desc("size", "How large.")
	countDesc = gauge.Desc("count", "How many.", "state")
	waiting   = gauge.NewLabel("state", "waiting")
	failed    = gauge.NewLabel("state", "failed")
)

// fleet is two queues.
type fleet struct{}

func (fleet) Describe(ch chan<- *prometheus.Desc) {
	ch <- sizeDesc
	ch <- countDesc
}

func (fleet) Collect(ch chan<- prometheus.Metric) {
	for i, name := range []string{"mails", "orders"} {
		q := gauge.Of(types.NamespacedName{Namespace: "shop", Name: name})
		ch <- q.Metric(sizeDesc, float64(i))
		ch <- q.Metric(countDesc, float64(10+i), waiting)
		ch <- q.Metric(countDesc, float64(20+i), failed)
	}
}

func TestGaugesOfQueues(t *testing.T) {
	want := `
# HELP count How many.
# TYPE count gauge
count{namespace="shop",queue="mails",state="failed"} 20
count{namespace="shop",queue="mails",state="waiting"} 10
count{namespace="shop",queue="orders",state="failed"} 21
count{namespace="shop",queue="orders",state="waiting"} 11
# HELP size How large.
# TYPE size gauge
size{namespace="shop",queue="mails"} 0
size{namespace="shop",queue="orders"} 1
`
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(fleet{}); err != nil {
		t.Fatal(err)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
