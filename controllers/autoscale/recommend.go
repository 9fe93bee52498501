package autoscale

import (
	"fmt"
	"math"
	"time"
)

const (
	// slack is how many more workers than strictly needed are kept before a
	// measured rate leads to fewer: rates waver.
	slack = 1.1
	// mostWorkers bounds what a rate may call for, far above any Max.
	mostWorkers = 1 << 30
	// haste is the shortest part of Wait in which an overdue backlog is to be
	// worked off.
	haste = 4
)

// recommendation is what the counts alone call for.
type recommendation struct {
	replicas int32
	// called is replicas without the one that idles: the window is about demand,
	// the idle clock has its own time.
	called  int32
	reason  Reason
	message string
	recheck time.Duration
}

func recommend(in Input, s State) recommendation {
	c := in.Counts
	if c.Demand() == 0 {
		return recommendIdle(in, s)
	}
	need := in.need(*c, in.Current)
	switch {
	case need.workers > int64(in.Max):
		return recommendation{replicas: in.Max, called: in.Max, reason: ReasonAtMaximum, message: fmt.Sprintf("%s, at most %d", need.sum, in.Max)}
	case need.workers < int64(in.Min):
		return recommendation{replicas: in.Min, called: in.Min, reason: ReasonAtMinimum, message: fmt.Sprintf("%s, at least %d", need.sum, in.Min)}
	default:
		n := int32(need.workers) //nolint:gosec // it is between Min and Max here
		return recommendation{replicas: n, called: n, reason: need.reason, message: need.sum}
	}
}

func recommendIdle(in Input, s State) recommendation {
	if in.Min > 0 {
		return recommendation{replicas: in.Min, called: in.Min, reason: ReasonAtMinimum, message: fmt.Sprintf("nothing to do, at least %d", in.Min)}
	}
	left := in.Idle - in.Now.Sub(s.LastActive)
	if left <= 0 || in.Current == 0 {
		return recommendation{reason: ReasonIdle, message: fmt.Sprintf("nothing to do for %s", in.Idle)}
	}
	return recommendation{
		replicas: min(1, in.Max), reason: ReasonIdling,
		message: fmt.Sprintf("nothing to do, but not yet for %s", in.Idle),
		recheck: left,
	}
}

// need is how many workers something calls for, with the sum that says so.
type need struct {
	workers int64
	reason  Reason
	sum     string
}

// need is the greater of what the length and the waiting time call for. Where
// there is demand it is at least 1.
func (l Limits) need(c Counts, current int32) need {
	if l.Wait <= 0 {
		return byLength(c, l.Target)
	}
	byWait, known := l.byWait(c, current)
	if !known {
		target := l.Target
		if target <= 0 {
			target = DefaultTarget
		}
		return byLength(c, target)
	}
	if l.Target > 0 {
		if length := byLength(c, l.Target); length.workers > byWait.workers {
			return length
		}
	}
	return byWait
}

func byLength(c Counts, target int64) need {
	n := ceilDiv(c.Demand(), target)
	return need{n, ReasonBacklog, fmt.Sprintf("%d waiting + %d due + %d in hand / %d per replica = %d", c.Waiting, c.Due, c.InHand, target, n)}
}

// byWait asks for as many workers as work off what waits within Wait, and for no
// fewer than keep up with what arrives. It is unknown while no run has ended yet.
//
// A message behind w others waits w / (n * perWorker) seconds with n workers, so
// that n = w / (Wait * perWorker) is enough, whatever comes after it. Where the
// next message has waited longer than Wait already, the rest is to go faster.
func (l Limits) byWait(c Counts, current int32) (need, bool) {
	perWorker := c.Rates.PerSlot * float64(l.Concurrency)
	if perWorker <= 0 {
		return need{}, false
	}
	within := l.Wait
	if c.Age > l.Wait {
		within = max(2*l.Wait-c.Age, l.Wait/haste)
	}
	backlog := c.Waiting + c.Due
	drain := float64(backlog) / (perWorker * within.Seconds())
	keepUp := c.Rates.Arrival / perWorker
	exact := max(drain, keepUp)

	n := roundUp(exact)
	if n < int64(current) { // fewer only where that is clear
		n = min(int64(current), roundUp(exact*slack))
	}
	if c.Demand() > 0 {
		n = max(n, 1)
	}
	var sum string
	if drain >= keepUp {
		sum = fmt.Sprintf("%d waiting + due / %.3g s / %.3g per second and replica = %d", backlog, within.Seconds(), perWorker, n)
	} else {
		sum = fmt.Sprintf("%.3g arriving per second / %.3g per second and replica = %d", c.Rates.Arrival, perWorker, n)
	}
	return need{n, ReasonWaitTime, sum}, true
}

// roundUp rounds up to workers; what floating point adds at the end of a sum is
// no worker.
func roundUp(x float64) int64 {
	return int64(math.Ceil(min(x, mostWorkers) - 1e-9))
}
