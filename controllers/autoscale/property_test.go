package autoscale_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

func drawLimits(t *rapid.T) autoscale.Limits {
	least := rapid.Int32Range(0, 30).Draw(t, "min")
	l := autoscale.Limits{
		Min:         least,
		Max:         least + rapid.Int32Range(1, 50).Draw(t, "maxAboveMin"),
		Target:      rapid.Int64Range(1, 100).Draw(t, "target"),
		Concurrency: rapid.Int64Range(1, 100).Draw(t, "concurrency"),
		Idle:        seconds(t, 300, "idle"),
		In:          autoscale.Rules{Window: seconds(t, 60, "window")},
	}
	if rapid.Bool().Draw(t, "byWait") {
		l.Wait = time.Second + seconds(t, 120, "wait")
		if rapid.Bool().Draw(t, "byWaitAlone") {
			l.Target = 0
		}
	}
	if rapid.Bool().Draw(t, "ruled") {
		l.Up, l.In = drawRules(t, "up"), drawRules(t, "in")
	}
	return l
}

func drawRules(t *rapid.T, label string) autoscale.Rules {
	policy := rapid.Custom(func(t *rapid.T) autoscale.Policy {
		return autoscale.Policy{
			Kind:   rapid.SampledFrom([]autoscale.PolicyKind{autoscale.Pods, autoscale.Percent}).Draw(t, "kind"),
			Value:  rapid.Int32Range(1, 150).Draw(t, "value"),
			Period: time.Second + seconds(t, 119, "period"),
		}
	})
	return autoscale.Rules{
		Window:   seconds(t, 60, label+"Window"),
		Policies: rapid.SliceOfN(policy, 0, 3).Draw(t, label+"Policies"),
		Select: rapid.SampledFrom([]autoscale.Select{
			"", autoscale.SelectMax, autoscale.SelectMin, autoscale.SelectMin, autoscale.SelectDisabled,
		}).Draw(t, label+"Select"),
	}
}

func drawCounts(t *rapid.T, label string) autoscale.Counts {
	n := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(0, 3000))
	c := autoscale.Counts{
		Waiting: n.Draw(t, label+"Waiting"),
		Due:     n.Draw(t, label+"Due"),
		InHand:  n.Draw(t, label+"InHand"),
	}
	if rapid.Bool().Draw(t, label+"Measured") {
		c.Rates = autoscale.Rates{Arrival: rapid.Float64Range(0, 500).Draw(t, label+"Arrival"), PerSlot: rapid.Float64Range(0.001, 100).Draw(t, label+"PerSlot")}
		c.Age = seconds(t, 300, label+"Age")
	}
	return c
}

func seconds(t *rapid.T, most int, label string) time.Duration {
	return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Second
}

// A queue's history is a walk: at each step time passes and the counts are
// something else, or unknown. check sees every decision with its input.
func walk(t *rapid.T, check func(in autoscale.Input, d autoscale.Decision)) {
	l := drawLimits(t)
	current := rapid.Int32Range(0, l.Max).Draw(t, "current")
	now, since, state := start, start, autoscale.State{}
	known := true
	for range rapid.IntRange(1, 30).Draw(t, "steps") {
		now = now.Add(seconds(t, 90, "pause"))
		in := autoscale.Input{Limits: l, Current: current, Now: now, State: state}
		was := known
		if known = rapid.IntRange(0, 4).Draw(t, "known") > 0; known {
			if !was {
				since = now
			}
			c := drawCounts(t, "")
			in.Counts, in.Since = &c, since
		}
		d := autoscale.Decide(in)
		check(in, d)
		current, state = d.Replicas, d.State
	}
}

func TestStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if d.Replicas > in.Max || d.Replicas < in.Min {
				t.Fatalf("%d is not between %d and %d", d.Replicas, in.Min, in.Max)
			}
			if d.Recheck < 0 {
				t.Fatalf("recheck in %s", d.Recheck)
			}
			if d.Message == "" || d.Reason == "" {
				t.Fatalf("%d for no reason", d.Replicas)
			}
		})
	})
}

func TestNeverInOnMissingData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts == nil && d.Replicas < in.Current {
				t.Fatalf("from %d to %d without counts", in.Current, d.Replicas)
			}
		})
	})
}

// What keeps a worker from demand is only what its owner asked for: a window
// before more, or no more at all.
func TestDemandAlwaysGetsAWorker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts == nil || in.Counts.Demand() == 0 || d.Replicas > 0 {
				return
			}
			if in.Up.Window == 0 && in.Up.Select != autoscale.SelectDisabled {
				t.Fatalf("no worker for %+v: %s", *in.Counts, d.Message)
			}
		})
	})
}

func TestScaleInLeavesASlotForEachMessageInHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts == nil || d.Replicas >= in.Current {
				return
			}
			if int64(d.Replicas)*in.Concurrency < in.Counts.InHand && d.Replicas < in.Max {
				t.Fatalf("from %d to %d workers of %d with %d in hand", in.Current, d.Replicas, in.Concurrency, in.Counts.InHand)
			}
		})
	})
}

func TestMoreBacklogNeverMeansFewerWorkers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts == nil {
				return
			}
			more := *in.Counts
			more.Waiting += rapid.Int64Range(0, 500).Draw(t, "moreWaiting")
			more.Due += rapid.Int64Range(0, 500).Draw(t, "moreDue")
			more.InHand += rapid.Int64Range(0, 500).Draw(t, "moreInHand")
			more.Age += seconds(t, 60, "moreAge")
			more.Rates.Arrival += rapid.Float64Range(0, 100).Draw(t, "moreArrival")
			in.Counts = &more
			if got := autoscale.Decide(in); got.Replicas < d.Replicas {
				t.Fatalf("%+v: %d workers, with less %d", more, got.Replicas, d.Replicas)
			}
		})
	})
}

// called is what the counts alone call for: what a decision without rules and
// history makes of them. The last worker is not counted: it has a clock of its own.
func called(in autoscale.Input) int32 {
	if in.Counts.Demand() == 0 {
		return in.Min
	}
	in.Up, in.In, in.State = autoscale.Rules{}, autoscale.Rules{}, autoscale.State{}
	counts := *in.Counts
	counts.InHand, counts.Waiting = 0, counts.Waiting+counts.InHand // in hand would hold it
	if in.Wait > 0 && counts.Rates.PerSlot > 0 {
		return 0 // the two are not the same to the waiting time: leave it to the others
	}
	in.Counts = &counts
	return autoscale.Decide(in).Replicas
}

// Scaling in means that nothing of the last window called for more. Only time in
// which the queue was looked at counts.
func TestNeverFlapsInsideItsWindow(t *testing.T) {
	type past struct {
		at     time.Duration // by a clock that stands still during an outage
		called int32
	}
	rapid.Check(t, func(t *rapid.T) {
		var history []past
		var clock time.Duration
		last := start
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts == nil {
				return
			}
			if !in.Since.After(last) {
				clock += in.Now.Sub(last)
			}
			last = in.Now
			for _, p := range history {
				if age := clock - p.at; d.Replicas < in.Current && age < in.In.Window && p.called > d.Replicas {
					t.Fatalf("scaled in to %d, %s after %d were called for", d.Replicas, age, p.called)
				}
			}
			history = append(history, past{at: clock, called: called(in)})
		})
	})
}

// Scaling out means that all of the last window called for as much.
func TestMoreOnlyAfterItsWindow(t *testing.T) {
	type past struct {
		at     time.Time
		called int32
	}
	rapid.Check(t, func(t *rapid.T) {
		var history []past
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts == nil {
				return
			}
			for _, p := range history {
				age := in.Now.Sub(p.at)
				if d.Replicas > max(in.Current, in.Min) && age < in.Up.Window && p.called < d.Replicas && in.Wait == 0 {
					t.Fatalf("scaled out to %d, %s after only %d were called for", d.Replicas, age, p.called)
				}
			}
			history = append(history, past{at: in.Now, called: called(in)})
		})
	})
}

// The last worker goes only when there was nothing to do for Idle, in a time in
// which the queue was looked at.
func TestTheLastWorkerStaysForIdle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var active time.Time // or not seen
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if active.IsZero() || in.Counts == nil || in.Counts.Demand() > 0 || in.State.LastActive.IsZero() {
				active = in.Now
				return
			}
			if d.Replicas == 0 && in.Current > 0 && in.Now.Sub(active) < in.Idle {
				t.Fatalf("the last worker went %s after the last message or look", in.Now.Sub(active))
			}
		})
	})
}

// The steps are those of a HorizontalPodAutoscaler with the same policies, worked
// out here from the whole history.
func TestStepsStayWithinPolicies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type size struct {
			at       time.Time
			from, to int32
		}
		var history []size
		// before is the size at the beginning of a period.
		before := func(in autoscale.Input, period time.Duration) int64 {
			n := int64(in.Current)
			for _, s := range history {
				if in.Now.Sub(s.at) < period {
					n -= int64(s.to) - int64(s.from)
				}
			}
			return n
		}
		allowed := func(in autoscale.Input, d autoscale.Decision, p autoscale.Policy) bool {
			n, value := before(in, p.Period), int64(p.Value)
			switch up := d.Replicas > in.Current; {
			case up && p.Kind == autoscale.Pods:
				return int64(d.Replicas) <= n+value
			case up:
				return float64(d.Replicas) < float64(n)*float64(100+value)/100+1
			case p.Kind == autoscale.Pods:
				return int64(d.Replicas) >= n-value
			default:
				return float64(d.Replicas) > float64(n)*float64(100-value)/100-1
			}
		}
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts == nil || d.Replicas == in.Current {
				if d.Replicas != in.Current {
					t.Skip("a minimum that is reached without counts is no step that a policy sees")
				}
				return
			}
			r := in.In
			if d.Replicas > in.Current {
				r = in.Up
			}
			if d.Replicas > in.Min && (d.Replicas != 1 || in.Current != 0) {
				some, all := len(r.Policies) == 0, true
				for _, p := range r.Policies {
					ok := allowed(in, d, p)
					some, all = some || ok, all && ok
				}
				switch {
				case r.Select == autoscale.SelectDisabled:
					t.Fatalf("from %d to %d in a direction that is disabled", in.Current, d.Replicas)
				case !some, r.Select == autoscale.SelectMin && !all:
					t.Fatalf("from %d to %d against %+v (%s)", in.Current, d.Replicas, r, d.Message)
				}
			}
			history = append(history, size{in.Now, in.Current, d.Replicas})
		})
	})
}

// With counts that stay, following Recheck alone leads to a size that stays, and
// that is what the counts call for, unless a direction is disabled.
func TestSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, counts := drawLimits(t), drawCounts(t, "")
		in := autoscale.Input{Limits: l, Counts: &counts, Current: rapid.Int32Range(0, l.Max).Draw(t, "current"), Now: start}
		for steps := 0; ; steps++ {
			d := autoscale.Decide(in)
			in.Current, in.State, in.Now = d.Replicas, d.State, in.Now.Add(d.Recheck)
			if d.Recheck == 0 {
				break
			}
			if steps == 200 {
				t.Fatalf("still at it: %d, again in %s (%s)", d.Replicas, d.Recheck, d.Message)
			}
		}
		in.Now = in.Now.Add(time.Hour)
		d := autoscale.Decide(in)
		if d.Replicas != in.Current || d.Recheck != 0 {
			t.Fatalf("%d after %d, again in %s (%s)", d.Replicas, in.Current, d.Recheck, d.Message)
		}
		if least := max(called(in), l.Min); d.Replicas < least && l.Up.Select != autoscale.SelectDisabled {
			t.Fatalf("settled at %d; %+v call for %d", d.Replicas, counts, least)
		}
	})
}
