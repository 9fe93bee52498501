package autoscale

import "time"

// State is what one decision leaves for the next about the same queue. It is a
// value: copies do not share anything that a decision changes.
type State struct {
	// LastActive is when there was last something to do, as far as known.
	LastActive time.Time
	// active says that LastActive still goes on: there was something to do at the
	// last look, and looks happen when that changes.
	active bool
	// since is the beginning of the unbroken looks that all of this is known from.
	since time.Time
	// highs are the recommendations of the last In.Window, each with the time until
	// which it stood, falling in number and rising in time; lows are those of the
	// last Up.Window, rising in both. The last one of each stands still.
	highs, lows []standing
	// moves are the changes of size within the longest period of a policy.
	moves []move
}

// standing is a recommendation, and until when it was the last one.
type standing struct {
	replicas int32
	until    time.Time
}

// move is a change of size.
type move struct {
	change int64
	at     time.Time
}

// resumed lets what happened before an outage count from its end: nobody knows
// what was called for meanwhile.
func (s State) resumed(since time.Time) State {
	if !since.After(s.since) {
		return s
	}
	s.since = since
	if s.LastActive.IsZero() {
		return s
	}
	later := func(list []standing) []standing {
		moved := make([]standing, len(list))
		for i, r := range list {
			if r.until.Before(since) {
				r.until = since
			}
			moved[i] = r
		}
		return moved
	}
	s.highs, s.lows = later(s.highs), later(s.lows)
	if s.LastActive.Before(since) {
		s.LastActive = since
	}
	return s
}

// observe notes whether there is something to do. On the first look the idle
// clock starts, and the current size counts as what was recommended so far.
func (s State) observe(now time.Time, demand int64, current int32) State {
	if len(s.highs) == 0 {
		s.highs = []standing{{replicas: current, until: now}}
		s.lows = s.highs
	}
	if demand > 0 || s.active || s.LastActive.IsZero() {
		s.LastActive = now
	}
	s.active = demand > 0
	return s
}

// recommended adds a recommendation. The one before it stood until now, however
// long ago it was made.
func (s State) recommended(in Input, replicas int32) State {
	s.highs = add(s.highs, in.Now, in.In.Window, replicas, func(old int32) bool { return old > replicas })
	s.lows = add(s.lows, in.Now, in.Up.Window, replicas, func(old int32) bool { return old < replicas })
	return s
}

// add keeps of a list what is still within the window and beyond replicas.
func add(list []standing, now time.Time, window time.Duration, replicas int32, isBeyond func(int32) bool) []standing {
	kept := make([]standing, 0, len(list)+1)
	for i, r := range list {
		if i == len(list)-1 {
			r.until = now
		}
		if isBeyond(r.replicas) && now.Sub(r.until) < window {
			kept = append(kept, r)
		}
	}
	return append(kept, standing{replicas: replicas, until: now})
}

// highest returns the highest recommendation within the window, and how long it
// goes on counting. Zero: it is the one that stands now.
func (s State) highest(now time.Time, window time.Duration) (int32, time.Duration) {
	return extreme(s.highs, now, window)
}

// lowest is the same for the lowest.
func (s State) lowest(now time.Time, window time.Duration) (int32, time.Duration) {
	return extreme(s.lows, now, window)
}

func extreme(list []standing, now time.Time, window time.Duration) (int32, time.Duration) {
	first := list[0]
	if len(list) == 1 {
		return first.replicas, 0
	}
	return first.replicas, first.until.Add(window).Sub(now)
}

// moved notes the change from the current size to the next, and drops what no
// policy looks back to.
func (s State) moved(in Input, replicas int32) State {
	period := max(in.Up.longest(), in.In.longest())
	kept := make([]move, 0, len(s.moves)+1)
	for _, m := range s.moves {
		if in.Now.Sub(m.at) < period {
			kept = append(kept, m)
		}
	}
	if replicas != in.Current && period > 0 {
		kept = append(kept, move{change: int64(replicas) - int64(in.Current), at: in.Now})
	}
	s.moves = kept
	return s
}

// change is by how much the size grew within the period.
func (s State) change(now time.Time, period time.Duration) int64 {
	sum := int64(0)
	for _, m := range s.moves {
		if now.Sub(m.at) < period {
			sum += m.change
		}
	}
	return sum
}

// expiry is how long it takes until a change leaves the period of a policy. Zero:
// there is none.
func (s State) expiry(now time.Time, policies []Policy) time.Duration {
	var first time.Duration
	for _, m := range s.moves {
		for _, p := range policies {
			if left := m.at.Add(p.Period).Sub(now); left > 0 {
				first = soonest(first, left)
			}
		}
	}
	return first
}
