package main

import (
	"time"

	"github.com/asyncqueue/operator/controllers/autoscale"
)

// scaler decides now and then about the number of pods.
type scaler interface {
	// name is for people.
	name() string
	// every is the time between two decisions.
	every() time.Duration
	// decide returns the number wanted, and why.
	decide(w *world) (replicas int32, reason string)
	// idleFirst says that busy pods go last.
	idleFirst() bool
}

// epoch is an arbitrary beginning.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// operator is the real decision, fed as the poller and the reconciler do it.
type operator struct {
	limits  autoscale.Limits
	state   autoscale.State
	meter   autoscale.Meter
	current int32
	failed  int
	since   time.Time
}

func newOperator(s settings) *operator {
	return &operator{since: epoch, limits: autoscale.Limits{
		Min: s.min, Max: s.max, Target: s.target, Wait: s.wait, Concurrency: int64(s.concurrency),
		Idle: s.idle, In: autoscale.Rules{Window: s.window},
	}}
}

func (*operator) name() string         { return "AsyncQueue" }
func (*operator) every() time.Duration { return time.Second }
func (*operator) idleFirst() bool      { return true }

// outage is how many looks in a row must fail before the counts are unknown.
const outage = 2

func (o *operator) decide(w *world) (int32, string) {
	now := epoch.Add(w.now)
	if w.away {
		if o.failed++; o.failed < outage {
			return o.current, "one failed look"
		}
		return o.take(autoscale.Decide(autoscale.Input{Limits: o.limits, Current: o.current, Now: now, State: o.state}))
	}
	if o.failed >= outage {
		o.since = now
	}
	o.failed = 0
	sample := autoscale.Sample{At: now, Waiting: int64(len(w.waiting)), InHand: w.inHand(), Done: w.doneNow}
	w.doneNow = 0
	o.meter = o.meter.Add(sample)
	counts := autoscale.Counts{Waiting: sample.Waiting, InHand: sample.InHand, Due: w.dueWithin(w.ahead), Rates: o.meter.Rates()}
	if len(w.waiting) > 0 {
		counts.Age = w.now - w.waiting[0].pushed
	}
	return o.take(autoscale.Decide(autoscale.Input{
		Limits: o.limits, Counts: &counts, Current: o.current, Now: now, Since: o.since, State: o.state,
	}))
}

func (o *operator) take(d autoscale.Decision) (int32, string) {
	o.state, o.current = d.State, d.Replicas
	return d.Replicas, string(d.Reason) + ": " + d.Message
}

// keda is KEDA's ScaledObject with its defaults and the HorizontalPodAutoscaler
// that it makes: a look every 30 s from zero, every 15 s from one on; the list's
// length alone; four pods or twice as many in 15 s; 300 s before fewer, and before
// none.
type keda struct {
	limits     autoscale.Limits
	state      autoscale.State
	current    int32
	lastActive time.Duration
	looked     time.Duration
}

func newKEDA(s settings) *keda {
	return &keda{limits: autoscale.Limits{
		Min: max(1, s.min), Max: s.max, Target: max(1, s.target), Concurrency: 1 << 20,
		Up: autoscale.Rules{Policies: []autoscale.Policy{
			{Kind: autoscale.Pods, Value: 4, Period: 15 * time.Second},
			{Kind: autoscale.Percent, Value: 100, Period: 15 * time.Second},
		}},
		In: autoscale.Rules{Window: 5 * time.Minute},
	}}
}

func (*keda) name() string         { return "KEDA's defaults" }
func (*keda) every() time.Duration { return 15 * time.Second }
func (*keda) idleFirst() bool      { return false }

const (
	kedaPolling  = 30 * time.Second
	kedaCooldown = 5 * time.Minute
)

func (k *keda) decide(w *world) (int32, string) {
	w.doneNow = 0
	if w.away {
		return k.current, "no data"
	}
	waiting := int64(len(w.waiting))
	if waiting > 0 {
		k.lastActive = w.now
	}
	if k.current == 0 {
		if waiting == 0 || w.now-k.looked < kedaPolling {
			return 0, "inactive"
		}
		k.looked, k.current, k.state = w.now, 1, autoscale.State{}
		return 1, "active"
	}
	k.looked = w.now
	if waiting == 0 && w.now-k.lastActive >= kedaCooldown {
		k.current = 0
		return 0, "inactive for 5 m"
	}
	d := autoscale.Decide(autoscale.Input{
		Limits: k.limits, Counts: &autoscale.Counts{Waiting: waiting}, Current: k.current, Now: epoch.Add(w.now), State: k.state,
	})
	k.state, k.current = d.State, d.Replicas
	return d.Replicas, string(d.Reason)
}
