package main

import (
	"slices"
	"time"
)

// moment is what stood at a second.
type moment struct {
	at       time.Duration
	arriving float64
	waiting  int
	inHand   int64
	replicas int32
	ready    int
	away     bool
	// reason is why the size changed at this moment; empty: it did not.
	reason string
}

// replay is how a trace went under a scaler.
type replay struct {
	trace   trace
	scaler  string
	moments []moment
	world   *world
}

// play replays a trace, second by second.
func play(t trace, s settings, by scaler) replay {
	w := newWorld(s)
	r := replay{trace: t, scaler: by.name(), world: w}
	replicas, reason := int32(0), ""
	for w.now < t.length {
		if w.now%by.every() == 0 {
			wanted, why := by.decide(w)
			if wanted != replicas {
				replicas, reason = wanted, why
				w.resize(replicas, by.idleFirst())
			}
		}
		if w.now%time.Second == 0 {
			r.moments = append(r.moments, moment{
				at: w.now, arriving: t.rate(w.now.Seconds()), waiting: len(w.waiting), inHand: w.inHand(),
				replicas: replicas, ready: w.ready(), away: t.away(w.now.Seconds()), reason: reason,
			})
			reason = ""
		}
		w.step(t)
	}
	return r
}

// summary is a replay in numbers.
type summary struct {
	changes, turns int
	peak           int32
	meanReplicas   float64
	waitP50        time.Duration
	waitP95        time.Duration
	waitMax        time.Duration
}

// turn is a change of direction: fewer after more, or more after fewer.
type turn struct {
	at, since time.Duration
	up        bool
}

// turns lists the changes of direction, each with the time since the change before
// it.
func (r replay) turns() []turn {
	var list []turn
	var last time.Duration
	direction := 0
	for i := 1; i < len(r.moments); i++ {
		change := int(r.moments[i].replicas) - int(r.moments[i-1].replicas)
		if change == 0 {
			continue
		}
		if now := max(-1, min(1, change)); direction != 0 && now != direction {
			list = append(list, turn{at: r.moments[i].at, since: r.moments[i].at - last, up: now > 0})
		}
		direction, last = max(-1, min(1, change)), r.moments[i].at
	}
	return list
}

func (r replay) summary() summary {
	s := summary{turns: len(r.turns()), meanReplicas: r.world.podSeconds / r.trace.length.Seconds()}
	for i, m := range r.moments {
		s.peak = max(s.peak, m.replicas)
		if i > 0 && m.replicas != r.moments[i-1].replicas {
			s.changes++
		}
	}
	waits := slices.Sorted(slices.Values(r.world.waits))
	if n := len(waits); n > 0 {
		s.waitP50, s.waitP95, s.waitMax = waits[n/2], waits[n*95/100], waits[n-1]
	}
	return s
}
