package autoscale_test

import (
	"testing"
	"time"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

func pods(value int32, seconds int) autoscale.Policy {
	return autoscale.Policy{Kind: autoscale.Pods, Value: value, Period: time.Duration(seconds) * time.Second}
}

func percent(value int32, seconds int) autoscale.Policy {
	return autoscale.Policy{Kind: autoscale.Percent, Value: value, Period: time.Duration(seconds) * time.Second}
}

// The numbers are what a HorizontalPodAutoscaler with these rules would do, was
// it asked at these times.
func TestBehavior(t *testing.T) {
	some := func(n int64) *autoscale.Counts { return &autoscale.Counts{Waiting: n} }
	const (
		backlog, limited     = autoscale.ReasonBacklog, autoscale.ReasonLimited
		stabilizing          = autoscale.ReasonStabilizing
		atMaximum, atMinimum = autoscale.ReasonAtMaximum, autoscale.ReasonAtMinimum
	)
	tests := map[string]struct {
		up, in  autoscale.Rules
		min     int32
		current int32
		looks   []look
	}{
		"two pods in ten seconds": {
			up: autoscale.Rules{Policies: []autoscale.Policy{pods(2, 10)}},
			looks: []look{
				{at: 0, counts: some(90), want: 2, reason: limited, recheck: 10 * time.Second},
				{at: 4, counts: some(90), want: 2, reason: limited, recheck: 6 * time.Second},
				{at: 10, counts: some(90), want: 4, reason: limited, recheck: 10 * time.Second},
				{at: 30, counts: some(45), want: 5, reason: backlog},
				{at: 31, counts: some(90), want: 6, reason: limited, recheck: 9 * time.Second},
			},
		},
		"the greater of two policies, by default": {
			up:      autoscale.Rules{Policies: []autoscale.Policy{pods(4, 15), percent(100, 15)}},
			current: 1,
			looks: []look{
				{at: 0, counts: some(200), want: 5, reason: limited, recheck: 15 * time.Second},
				{at: 15, counts: some(200), want: 10, reason: limited, recheck: 15 * time.Second},
				{at: 30, counts: some(200), want: 20, reason: backlog},
			},
		},
		"the smaller of two policies": {
			up:      autoscale.Rules{Policies: []autoscale.Policy{pods(4, 15), percent(100, 15)}, Select: autoscale.SelectMin},
			current: 3,
			looks: []look{
				{at: 0, counts: some(200), want: 6, reason: limited, recheck: 15 * time.Second},
				{at: 15, counts: some(200), want: 10, reason: limited, recheck: 15 * time.Second},
			},
		},
		"ten percent up is rounded up": {
			up:      autoscale.Rules{Policies: []autoscale.Policy{percent(10, 60)}},
			current: 5,
			looks: []look{
				{at: 0, counts: some(200), want: 6, reason: limited, recheck: time.Minute},
				{at: 1, counts: some(200), want: 6, reason: limited, recheck: 59 * time.Second},
			},
		},
		"a percentage of nothing still wakes one": {
			up:    autoscale.Rules{Policies: []autoscale.Policy{percent(10, 60)}},
			looks: []look{{at: 0, counts: some(200), want: 1, reason: limited, recheck: time.Minute}},
		},
		"up is disabled": {
			up: autoscale.Rules{Select: autoscale.SelectDisabled}, current: 2,
			looks: []look{{at: 0, counts: some(200), want: 2, reason: limited}},
		},
		"the minimum is reached whatever the policies say": {
			up: autoscale.Rules{Select: autoscale.SelectDisabled}, min: 3, current: 1,
			looks: []look{{at: 0, counts: some(1), want: 3, reason: atMinimum}, {at: 1, counts: some(90), want: 3, reason: limited}},
		},
		"a window before more": {
			up: autoscale.Rules{Window: 30 * time.Second}, current: 2,
			looks: []look{
				{at: 0, counts: some(20), want: 2, reason: backlog},
				{at: 10, counts: some(80), want: 2, reason: stabilizing, recheck: 30 * time.Second},
				{at: 20, counts: some(50), want: 2, reason: stabilizing, recheck: 20 * time.Second},
				{at: 40, counts: some(90), want: 5, reason: stabilizing, recheck: 30 * time.Second},
				{at: 70, counts: some(90), want: 9, reason: backlog},
			},
		},
		"half of them in a minute": {
			in: autoscale.Rules{Policies: []autoscale.Policy{percent(50, 60)}}, current: 9,
			looks: []look{
				{at: 0, counts: some(90), want: 9, reason: backlog},
				{at: 10, counts: some(10), want: 4, reason: limited, recheck: time.Minute},
				{at: 60, counts: some(10), want: 4, reason: limited, recheck: 10 * time.Second},
				{at: 70, counts: some(10), want: 2, reason: limited, recheck: time.Minute},
				{at: 130, counts: some(10), want: 1, reason: backlog},
			},
		},
		"what was added in the period may go again": {
			up: autoscale.Rules{}, in: autoscale.Rules{Policies: []autoscale.Policy{pods(1, 60)}}, current: 4,
			looks: []look{
				{at: 0, counts: some(100), want: 10, reason: backlog},
				// Ten are six above the four of a minute ago, of which one may go: the limit
				// is three, the recommendation five.
				{at: 10, counts: some(50), want: 5, reason: backlog},
				{at: 11, counts: some(10), want: 3, reason: limited, recheck: 49 * time.Second},
			},
		},
		"in is disabled": {
			in: autoscale.Rules{Select: autoscale.SelectDisabled}, current: 9,
			looks: []look{
				{at: 0, counts: some(1), want: 9, reason: limited},
				{at: 3600, counts: some(0), want: 9, reason: limited, recheck: time.Minute},
			},
		},
		"in hand counts beside the policies": {
			in: autoscale.Rules{Policies: []autoscale.Policy{pods(6, 60)}}, current: 9,
			looks: []look{
				{at: 0, counts: &autoscale.Counts{InHand: 5}, want: 3, reason: limited, recheck: time.Minute},
				{at: 60, counts: &autoscale.Counts{InHand: 5}, want: 1, reason: backlog},
			},
		},
		"all of it goes at once where nothing restrains": {
			current: 9,
			looks: []look{
				{at: 0, counts: some(10), want: 1, reason: backlog},
				{at: 1, counts: some(900), want: 20, reason: atMaximum},
				{at: 2, counts: some(0), want: 1, reason: autoscale.ReasonIdling, recheck: time.Minute},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			l := with(func(l *autoscale.Limits) { l.Up, l.In, l.Min = tc.up, tc.in, tc.min })
			current, state := tc.current, autoscale.State{}
			for _, step := range tc.looks {
				got := autoscale.Decide(autoscale.Input{Limits: l, Counts: step.counts, Current: current, State: state, Now: after(step.at)})
				if got.Replicas != step.want || got.Reason != step.reason || got.Recheck != step.recheck {
					t.Errorf("after %d s: %d %s, again in %s (%s); want %d %s, again in %s",
						step.at, got.Replicas, got.Reason, got.Recheck, got.Message, step.want, step.reason, step.recheck)
				}
				current, state = got.Replicas, got.State
			}
		})
	}
}
