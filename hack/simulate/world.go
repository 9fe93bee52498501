package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// tick is the step of the model.
	tick = 100 * time.Millisecond
	// retryAfter and runs are what becomes of a message that fails.
	retryAfter = 5 * time.Second
	runs       = 4
)

// settings is the queue and the cluster that the load meets.
type settings struct {
	min, max      int32
	target        int64
	wait          time.Duration
	concurrency   int
	service       time.Duration
	podStart      time.Duration
	window, idle  time.Duration
	ahead         time.Duration
	seed          uint64
	serviceSpread float64
}

// message is one message; pushed is when it came to stand on waiting.
type message struct {
	pushed time.Duration
	failed int
	poison bool
}

// run is a message in a slot.
type run struct {
	message
	ends time.Duration
}

// pod is a worker.
type pod struct {
	readyAt  time.Duration
	draining bool
	hand     []run
}

// world is the queue, the pods and what was counted about them.
type world struct {
	settings
	now     time.Duration
	chance  *rand.Rand
	owed    float64
	away    bool
	waiting []message
	delayed []run // ends is when it is due
	pods    []*pod

	pushed, done, gaveUp int
	doneNow              int64
	waits                []time.Duration
	// busyKilled counts pods that were chosen to go with messages in hand while an
	// idle one stayed.
	busyKilled int
	podSeconds float64
}

func newWorld(s settings) *world {
	return &world{settings: s, chance: rand.New(rand.NewPCG(s.seed, 1))} //nolint:gosec // a model needs the same chance each time
}

// step lets one tick pass under a trace.
func (w *world) step(t trace) {
	at := w.now.Seconds()
	w.away = t.away(at)
	w.owed += t.rate(at) * tick.Seconds()
	if w.now%time.Second == 0 {
		w.owed += float64(t.pushes[int(at)])
	}
	for ; w.owed >= 1 && !w.away; w.owed-- {
		w.waiting = append(w.waiting, message{pushed: w.now, poison: w.chance.Float64() < t.poison})
		w.pushed++
	}
	if !w.away { // what ends meanwhile is told when Redis is back
		w.due()
		w.finish()
		w.claim()
	}
	w.pods = slices.DeleteFunc(w.pods, func(p *pod) bool { return p.draining && len(p.hand) == 0 })
	w.podSeconds += float64(len(w.pods)) * tick.Seconds()
	w.now += tick
}

func (w *world) due() {
	w.delayed = slices.DeleteFunc(w.delayed, func(d run) bool {
		if d.ends > w.now {
			return false
		}
		w.waiting = append(w.waiting, message{pushed: w.now, failed: d.failed, poison: d.poison})
		return true
	})
}

func (w *world) finish() {
	for _, p := range w.pods {
		p.hand = slices.DeleteFunc(p.hand, func(r run) bool {
			if r.ends > w.now {
				return false
			}
			w.doneNow++
			switch r.failed++; {
			case !r.poison:
				w.done++
			case r.failed < runs:
				w.delayed = append(w.delayed, run{r.message, w.now + retryAfter})
			default:
				w.gaveUp++
			}
			return true
		})
	}
}

func (w *world) claim() {
	for _, p := range w.pods {
		for p.readyAt <= w.now && !p.draining && len(p.hand) < w.concurrency && len(w.waiting) > 0 {
			m := w.waiting[0]
			w.waiting = w.waiting[1:]
			w.waits = append(w.waits, w.now-m.pushed)
			spread := 1 + w.serviceSpread*(2*w.chance.Float64()-1)
			p.hand = append(p.hand, run{m, w.now + time.Duration(float64(w.service)*spread)})
		}
	}
}

// resize starts pods, or takes some away as Kubernetes does: those that are not
// ready first, then, where idleFirst, the cheapest.
func (w *world) resize(replicas int32, idleFirst bool) {
	living := slices.DeleteFunc(slices.Clone(w.pods), func(p *pod) bool { return p.draining })
	for range int(replicas) - len(living) {
		w.pods = append(w.pods, &pod{readyAt: w.now + w.podStart})
	}
	slices.SortStableFunc(living, func(a, b *pod) int {
		if late := int(b.readyAt - a.readyAt); a.readyAt > w.now || b.readyAt > w.now {
			return late
		}
		if idleFirst {
			return len(a.hand) - len(b.hand)
		}
		return 0
	})
	for i := range max(0, len(living)-int(replicas)) {
		p := living[i]
		p.draining = true
		if len(p.hand) > 0 && slices.ContainsFunc(living[i+1:], func(o *pod) bool { return len(o.hand) == 0 }) {
			w.busyKilled++
		}
	}
}

func (w *world) inHand() (n int64) {
	for _, p := range w.pods {
		n += int64(len(p.hand))
	}
	return n
}

func (w *world) ready() (n int) {
	for _, p := range w.pods {
		if p.readyAt <= w.now && !p.draining {
			n++
		}
	}
	return n
}

func (w *world) dueWithin(ahead time.Duration) (n int64) {
	for _, d := range w.delayed {
		if d.ends <= w.now+ahead {
			n++
		}
	}
	return n
}
