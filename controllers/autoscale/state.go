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
	// peaks are the recommendations of the last Window, each with the time until
	// which it stood, falling in number and rising in time. The last one stands
	// still.
	peaks []peak
}

type peak struct {
	replicas int32
	until    time.Time
}

// observe notes whether there is something to do. On the first look the idle
// clock starts, and the current size counts as what was recommended so far.
func (s State) observe(now time.Time, demand int64, current int32) State {
	if len(s.peaks) == 0 {
		s.peaks = []peak{{replicas: current, until: now}}
	}
	if demand > 0 || s.active || s.LastActive.IsZero() {
		s.LastActive = now
	}
	s.active = demand > 0
	return s
}

// recommended adds a recommendation. The one before it stood until now, however
// long ago it was made.
func (s State) recommended(now time.Time, window time.Duration, replicas int32) State {
	kept := make([]peak, 0, len(s.peaks)+1)
	for i, p := range s.peaks {
		if i == len(s.peaks)-1 {
			p.until = now
		}
		if p.replicas > replicas && now.Sub(p.until) < window {
			kept = append(kept, p)
		}
	}
	kept = append(kept, peak{replicas: replicas, until: now})
	s.peaks = kept
	return s
}

// peak returns the highest recommendation within the window, and how long it
// goes on counting. Zero: the highest is the one that stands now.
func (s State) peak(now time.Time, window time.Duration) (int32, time.Duration) {
	p := s.peaks[0]
	if len(s.peaks) == 1 {
		return p.replicas, 0
	}
	return p.replicas, p.until.Add(window).Sub(now)
}
