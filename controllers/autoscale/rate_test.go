package autoscale_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

// flow is a stretch of a queue's life: so many runs asked for and ended per
// second, with so many in hand.
type flow struct {
	seconds                int
	arriving, done, inHand int64
}

// measure feeds a meter with a look every second.
func measure(flows ...flow) autoscale.Rates {
	var m autoscale.Meter
	now, waiting := start, int64(1000)
	for _, f := range flows {
		for range f.seconds {
			now = now.Add(time.Second)
			waiting += f.arriving - f.done
			m = m.Add(autoscale.Sample{At: now, Waiting: waiting - f.inHand, InHand: f.inHand, Done: f.done})
		}
	}
	return m.Rates()
}

func TestMeter(t *testing.T) {
	tests := map[string]struct {
		flows                []flow
		wantArrival, perSlot float64
	}{
		"nothing yet":                        {nil, 0, 0},
		"nothing at all":                     {[]flow{{60, 0, 0, 0}}, 0, 0},
		"too short to tell what arrives":     {[]flow{{5, 50, 50, 5}}, 0, 10},
		"a steady flow":                      {[]flow{{120, 50, 50, 5}}, 50, 10},
		"a backlog that is worked off":       {[]flow{{120, 0, 20, 10}}, 0, 2},
		"a backlog that grows":               {[]flow{{120, 70, 20, 10}}, 70, 2},
		"long runs, one of which ends a day": {[]flow{{100, 0, 0, 4}, {1, 0, 1, 4}}, 0, 0.0043},
		"what was known outlives a calm":     {[]flow{{120, 50, 50, 5}, {600, 0, 0, 0}}, 0, 10},
		"too fast to be seen in hand":        {[]flow{{60, 300, 300, 0}}, 300, 1000},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := measure(tc.flows...)
			if !near(got.Arrival, tc.wantArrival) || !near(got.PerSlot, tc.perSlot) {
				t.Errorf("%+v, want %v arriving and %v per slot", got, tc.wantArrival, tc.perSlot)
			}
		})
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 0.05*max(math.Abs(b), 0.02) }

// A look that comes late says nothing about the time before it.
func TestMeterForgetsArrivalsOverAGap(t *testing.T) {
	var m autoscale.Meter
	for i := range 60 {
		m = m.Add(autoscale.Sample{At: after(i), InHand: 5, Done: 50})
	}
	m = m.Add(autoscale.Sample{At: after(3600), Waiting: 100_000, InHand: 5})
	if got := m.Rates(); got.Arrival != 0 || !near(got.PerSlot, 10) {
		t.Errorf("%+v after a gap, want no arrivals and 10 per slot", got)
	}
}

func TestMeterNeverSaysNonsense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m autoscale.Meter
		now := start
		n := rapid.Int64Range(0, 10_000)
		for range rapid.IntRange(1, 60).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "milliseconds")) * time.Millisecond)
			m = m.Add(autoscale.Sample{At: now, Waiting: n.Draw(t, "waiting"), InHand: n.Draw(t, "inHand"), Done: n.Draw(t, "done")})
			r := m.Rates()
			for _, x := range []float64{r.Arrival, r.PerSlot} {
				if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
					t.Fatalf("%+v", r)
				}
			}
		}
	})
}

func TestWaitTime(t *testing.T) {
	limits := autoscale.Limits{Max: 50, Wait: 30 * time.Second, Concurrency: 10, Idle: time.Minute}
	second := autoscale.Rates{PerSlot: 1} // ten a second and worker
	tests := map[string]struct {
		counts      autoscale.Counts
		target      int64
		current     int32
		want        int32
		wantReason  autoscale.Reason
		wantMessage string
	}{
		"nothing is known yet": {
			counts: autoscale.Counts{Waiting: 95}, want: 10, wantReason: autoscale.ReasonBacklog,
			wantMessage: "95 waiting + 0 due + 0 in hand / 10 per replica = 10",
		},
		"nothing is known yet, with a target": {
			counts: autoscale.Counts{Waiting: 95}, target: 50, want: 2, wantReason: autoscale.ReasonBacklog,
			wantMessage: "95 waiting + 0 due + 0 in hand / 50 per replica = 2",
		},
		"a backlog for four": {
			counts: autoscale.Counts{Waiting: 1000, Due: 100, Rates: second}, want: 4, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "1100 waiting + due / 30 s / 10 per second and replica = 4",
		},
		"one message is one worker": {
			counts: autoscale.Counts{Waiting: 1, Rates: second}, want: 1, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "1 waiting + due / 30 s / 10 per second and replica = 1",
		},
		"arrivals that need more than the backlog": {
			counts: autoscale.Counts{Waiting: 1, Rates: autoscale.Rates{PerSlot: 1, Arrival: 65}}, want: 7, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "65 arriving per second / 10 per second and replica = 7",
		},
		"late already: the rest in less time": {
			counts: autoscale.Counts{Waiting: 1000, Age: 45 * time.Second, Rates: second}, want: 7, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "1000 waiting + due / 15 s / 10 per second and replica = 7",
		},
		"very late: no faster than in a quarter": {
			counts: autoscale.Counts{Waiting: 1000, Age: time.Hour, Rates: second}, want: 14, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "1000 waiting + due / 7.5 s / 10 per second and replica = 14",
		},
		"on time: the age changes nothing": {
			counts: autoscale.Counts{Waiting: 1000, Age: 29 * time.Second, Rates: second}, want: 4, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "1000 waiting + due / 30 s / 10 per second and replica = 4",
		},
		"with a target too, the greater counts": {
			counts: autoscale.Counts{Waiting: 1100, Rates: second}, target: 100, want: 11, wantReason: autoscale.ReasonBacklog,
			wantMessage: "1100 waiting + 0 due + 0 in hand / 100 per replica = 11",
		},
		"a rate that wavers takes no worker away": {
			counts: autoscale.Counts{Waiting: 1, Rates: autoscale.Rates{PerSlot: 1, Arrival: 59}}, current: 7, want: 7, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "59 arriving per second / 10 per second and replica = 7",
		},
		"a rate that fell does": {
			counts: autoscale.Counts{Waiting: 1, Rates: autoscale.Rates{PerSlot: 1, Arrival: 50}}, current: 7, want: 6, wantReason: autoscale.ReasonWaitTime,
			wantMessage: "50 arriving per second / 10 per second and replica = 6",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			l := limits
			l.Target = tc.target
			got := autoscale.Decide(autoscale.Input{Limits: l, Counts: &tc.counts, Current: tc.current, Now: start})
			if got.Replicas != tc.want || got.Reason != tc.wantReason || got.Message != tc.wantMessage {
				t.Errorf("Decide() = %d %s %q\nwant %d %s %q", got.Replicas, got.Reason, got.Message, tc.want, tc.wantReason, tc.wantMessage)
			}
		})
	}
}
