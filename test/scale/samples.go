package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// samples are the metrics of a program at one time.
type samples map[string]*dto.MetricFamily

func scrape(ctx context.Context, via *http.Client, url string) (samples, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := via.Do(request)
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading metrics from %s: %s", url, response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}

func labelsOf(m *dto.Metric) map[string]string {
	labels := make(map[string]string, len(m.GetLabel()))
	for _, pair := range m.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}

// sum adds up the counters of a name whose labels match.
func (s samples) sum(name string, matches func(labels map[string]string) bool) float64 {
	total := 0.0
	for _, m := range s[name].GetMetric() {
		if matches == nil || matches(labelsOf(m)) {
			total += m.GetCounter().GetValue()
		}
	}
	return total
}

// quantile is the upper end of the histogram's bucket that holds the quantile q
// of what was observed since before, and zero where nothing was.
func (s samples) quantile(before samples, name string, q float64) float64 {
	counts := s.buckets(name)
	for bound, n := range before.buckets(name) {
		counts[bound] -= n
	}
	bounds := slices.Sorted(maps.Keys(counts))
	if len(bounds) == 0 {
		return 0
	}
	total := counts[bounds[len(bounds)-1]]
	for _, bound := range bounds {
		if total > 0 && counts[bound] >= q*total {
			return bound
		}
	}
	return 0
}

// buckets adds up a histogram's cumulative counts, by upper bound.
func (s samples) buckets(name string) map[float64]float64 {
	counts := map[float64]float64{}
	for _, m := range s[name].GetMetric() {
		for _, b := range m.GetHistogram().GetBucket() {
			counts[b.GetUpperBound()] += float64(b.GetCumulativeCount())
		}
		if total := float64(m.GetHistogram().GetSampleCount()); counts[math.Inf(1)] < total {
			counts[math.Inf(1)] = total
		}
	}
	return counts
}
