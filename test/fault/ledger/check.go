package ledger

import (
	"fmt"
	"slices"
	"time"
)

// mostSentences bounds the sentences of one kind in Verdict.Broken.
const mostSentences = 3

// Check compares what was pushed, what the workers did and what stands in the keys.
//
//	lost      confirmed > acknowledged + doubtful + standing
//	doubled   acknowledged + standing > confirmed + unknown
//	twice     runs of an attempt > confirmed + unknown
//
// A run may come twice where the one before was cut short: its worker was killed or taken for dead
// while it held the message, or a fail-over undid the end of it.
func Check(f Facts) Verdict {
	t := newTally(f)
	v := Verdict{Evicted: t.evictions(), Redelivery: t.slowestRedelivery()}
	kinds := map[string]int{}
	broken := func(kind, format string, args ...any) {
		if kinds[kind]++; kinds[kind] <= mostSentences {
			v.Broken = append(v.Broken, kind+": "+fmt.Sprintf(format, args...))
		}
	}
	for _, id := range t.ids() {
		m, p := t.of(id), f.Pushed[id]
		standing := f.Standing[id]
		v.Messages += p.Confirmed
		v.Unknown += p.Unknown
		v.Acked += m.acked
		v.Standing += standing
		v.Doubtful += m.doubtful
		if lost := p.Confirmed - m.acked - m.doubtful - standing; lost > 0 {
			v.Lost += lost
			broken("lost", "%d of %d copies of %s (%d acknowledged, %d standing)", lost, p.Confirmed, id, m.acked, standing)
		}
		if more := m.acked + standing - p.Confirmed - p.Unknown - m.undone; more > 0 {
			v.Doubled += more
			broken("doubled", "%s was pushed %d times (%d of them unanswered), but %d were acknowledged and %d stand in the keys",
				id, p.Confirmed+p.Unknown, p.Unknown, m.acked, standing)
		}
		for attempt, runs := range m.attempts {
			extra := runs.began - p.Confirmed - p.Unknown
			if extra <= 0 {
				continue
			}
			v.Twice += extra
			if extra > runs.excused {
				v.Unexcused += extra - runs.excused
				broken("run twice", "attempt %d of %s ran %d times for %d copies, and only %d runs were cut short",
					attempt, id, runs.began, p.Confirmed+p.Unknown, runs.excused)
			}
		}
	}
	for _, life := range t.wronglyEvicted() {
		broken("taken for dead", "worker %s had neither been frozen nor cut off", life)
	}
	slices.Sort(v.Broken)
	return v
}

// Recovery returns how long after a moment the slowest of the processes claimed its first message,
// and those processes that have not yet.
func Recovery(entries []Entry, after time.Time, pids []int) (slowest time.Duration, missing []int) {
	first := make(map[int]time.Duration)
	for _, e := range entries {
		if e.What != Claimed || !e.Time().After(after) {
			continue
		}
		if _, known := first[e.Pid]; !known {
			first[e.Pid] = e.Time().Sub(after)
		}
	}
	for _, pid := range pids {
		took, claimed := first[pid]
		if !claimed {
			missing = append(missing, pid)
			continue
		}
		slowest = max(slowest, took)
	}
	return slowest, missing
}
