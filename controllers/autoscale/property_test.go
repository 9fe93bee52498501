package autoscale_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

func drawLimits(t *rapid.T) autoscale.Limits {
	least := rapid.Int32Range(0, 30).Draw(t, "min")
	return autoscale.Limits{
		Min:         least,
		Max:         least + rapid.Int32Range(1, 50).Draw(t, "maxAboveMin"),
		Target:      rapid.Int64Range(1, 100).Draw(t, "target"),
		Concurrency: rapid.Int64Range(1, 100).Draw(t, "concurrency"),
		Idle:        seconds(t, 300, "idle"),
		Window:      seconds(t, 60, "window"),
	}
}

func drawCounts(t *rapid.T, label string) autoscale.Counts {
	n := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(0, 3000))
	return autoscale.Counts{
		Waiting: n.Draw(t, label+"Waiting"),
		Due:     n.Draw(t, label+"Due"),
		InHand:  n.Draw(t, label+"InHand"),
	}
}

func seconds(t *rapid.T, most int, label string) time.Duration {
	return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Second
}

// A queue's history is a walk: at each step time passes and the counts are
// something else, or unknown. check sees every decision with its input.
func walk(t *rapid.T, check func(in autoscale.Input, d autoscale.Decision)) {
	l := drawLimits(t)
	current := rapid.Int32Range(0, l.Max).Draw(t, "current")
	now, state := start, autoscale.State{}
	for range rapid.IntRange(1, 30).Draw(t, "steps") {
		now = now.Add(seconds(t, 90, "pause"))
		in := autoscale.Input{Limits: l, Current: current, Now: now, State: state}
		if rapid.IntRange(0, 4).Draw(t, "known") > 0 {
			c := drawCounts(t, "")
			in.Counts = &c
		}
		d := autoscale.Decide(in)
		check(in, d)
		current, state = d.Replicas, d.State
	}
}

func TestStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if d.Replicas > in.Max || (d.Replicas < in.Min) {
				t.Fatalf("%d is not between %d and %d", d.Replicas, in.Min, in.Max)
			}
			if d.Recheck < 0 {
				t.Fatalf("recheck in %s", d.Recheck)
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

func TestDemandAlwaysGetsAWorker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if in.Counts != nil && in.Counts.Demand() > 0 && d.Replicas == 0 {
				t.Fatalf("no worker for %+v", *in.Counts)
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
			in.Counts = &more
			if got := autoscale.Decide(in); got.Replicas < d.Replicas {
				t.Fatalf("%+v: %d workers, with less %d", more, got.Replicas, d.Replicas)
			}
		})
	})
}

// Scaling in means that nothing of the last window called for more.
func TestNeverFlapsInsideItsWindow(t *testing.T) {
	type past struct {
		at    time.Time
		want  int32
		known bool
	}
	rapid.Check(t, func(t *rapid.T) {
		var history []past
		walk(t, func(in autoscale.Input, d autoscale.Decision) {
			if d.Replicas < in.Current {
				for _, p := range history {
					if p.known && in.Now.Sub(p.at) < in.Window && p.want > d.Replicas {
						t.Fatalf("scaled in to %d, %s after %d were called for", d.Replicas, in.Now.Sub(p.at), p.want)
					}
				}
			}
			p := past{at: in.Now, known: in.Counts != nil}
			if p.known {
				p.want = int32(min(int64(in.Max), (in.Counts.Demand()+in.Target-1)/in.Target))
			}
			history = append(history, p)
		})
	})
}

// With counts that stay, following Recheck alone leads in a few decisions to a
// size that stays, and that is what the counts call for.
func TestSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, counts := drawLimits(t), drawCounts(t, "")
		in := autoscale.Input{Limits: l, Counts: &counts, Current: rapid.Int32Range(0, l.Max).Draw(t, "current"), Now: start}
		for range 5 {
			d := autoscale.Decide(in)
			in.Current, in.State, in.Now = d.Replicas, d.State, in.Now.Add(d.Recheck)
			if d.Recheck == 0 {
				break
			}
		}
		in.Now = in.Now.Add(time.Hour)
		d := autoscale.Decide(in)
		if d.Replicas != in.Current || d.Recheck != 0 {
			t.Fatalf("%d after %d, again in %s (%s)", d.Replicas, in.Current, d.Recheck, d.Message)
		}
		called := int32(min(int64(l.Max), max(int64(l.Min), (counts.Demand()+l.Target-1)/l.Target)))
		if d.Replicas < called {
			t.Fatalf("settled at %d; %+v call for %d", d.Replicas, counts, called)
		}
	})
}
