package ledger

import (
	"maps"
	"slices"
	"time"
)

// believes is how long before the news of its eviction a worker that was cut off may take a run for moved:
// the longest pause between two tries of a move, and some.
const believes = 5 * time.Second

// tally is a ledger added up.
type tally struct {
	facts    Facts
	messages map[string]*message
	runs     map[runKey]*runRecord
	lives    map[string]*lifeRecord
}

type runKey struct {
	life string
	run  uint64
}

// runRecord is one run, from the claim on.
type runRecord struct {
	life    string
	pid     int
	id      string
	attempt int
	since   time.Time
	end     What // of Acked, Late, Retried, Failed, Released, Lost; empty: none was confirmed
	endAt   time.Time
	expired bool
}

// lifeRecord is one registration of a worker.
type lifeRecord struct {
	pid     int
	evicted bool
	learnt  time.Time // when it learnt that it had been evicted
	began   map[attemptKey]int
	well    map[attemptKey]int // runs that ended well
}

type attemptKey struct {
	id      string
	attempt int
}

// message is what became of the copies of one message.
type message struct {
	acked    int
	doubtful int
	undone   int // acknowledgements that a fail-over may have undone
	attempts map[int]*runs
	ends     map[attemptLife]int // confirmed ends of runs that ended well, by life
	excuses  map[attemptLife]int // runs that were cut short, by life
}

type attemptLife struct {
	life    string
	attempt int
}

type runs struct{ began, excused int }

func newTally(f Facts) *tally {
	t := &tally{
		facts: f, messages: map[string]*message{}, runs: map[runKey]*runRecord{}, lives: map[string]*lifeRecord{},
	}
	for id := range f.Pushed {
		t.of(id)
	}
	for id := range f.Standing {
		t.of(id)
	}
	for _, e := range f.Entries {
		t.read(e)
	}
	for _, r := range t.runs {
		t.countEnd(r)
	}
	for name, life := range t.lives {
		t.countLife(name, life)
	}
	return t
}

func (t *tally) ids() []string { return slices.Sorted(maps.Keys(t.messages)) }

func (t *tally) of(id string) *message {
	m := t.messages[id]
	if m == nil {
		m = &message{attempts: map[int]*runs{}, ends: map[attemptLife]int{}, excuses: map[attemptLife]int{}}
		t.messages[id] = m
	}
	return m
}

func (t *tally) life(e Entry) *lifeRecord {
	life := t.lives[e.Life]
	if life == nil {
		life = &lifeRecord{pid: e.Pid, began: map[attemptKey]int{}, well: map[attemptKey]int{}}
		t.lives[e.Life] = life
	}
	return life
}

func (t *tally) read(e Entry) {
	life := t.life(e)
	switch e.What {
	case Evicted:
		life.evicted, life.learnt = true, e.Time()
	case Began:
		life.began[attemptKey{e.ID, e.Attempt}]++
	case Ended:
		life.well[attemptKey{e.ID, e.Attempt}]++
	case Claimed:
		t.runs[runKey{e.Life, e.Run}] = &runRecord{life: e.Life, pid: e.Pid, id: e.ID, attempt: e.Attempt, since: e.Time()}
	case Expired:
		if r := t.runs[runKey{e.Life, e.Run}]; r != nil {
			r.expired = true
		}
	case Acked, Late, Retried, Failed, Released, Lost:
		if r := t.runs[runKey{e.Life, e.Run}]; r != nil {
			r.end, r.endAt = e.What, e.Time()
		}
	case Joined, Left:
	}
}

// countEnd books the end of a run with its message.
func (t *tally) countEnd(r *runRecord) {
	m, at := t.of(r.id), attemptLife{r.life, r.attempt}
	undone := t.mayBeUndone(r)
	switch r.end {
	case Acked:
		m.acked++
		m.ends[at]++
		if undone {
			m.undone++
		}
	case Late, Lost:
		m.ends[at]++
	default:
	}
	if t.wasCutShort(r) || undone {
		m.excuses[at]++
	}
}

// wasCutShort says whether the message may run again on account of this run.
func (t *tally) wasCutShort(r *runRecord) bool {
	if t.facts.Reloaded && (r.expired || r.end == Late) {
		return true
	}
	if t.isBelieved(r) {
		return true
	}
	if r.end != "" && r.end != Lost {
		return false
	}
	_, killed := t.facts.Killed[r.pid]
	return killed || t.lives[r.life].evicted
}

// isBelieved says whether the end of a run may be the worker's belief alone. A move whose answer got lost is
// repeated; if the run is not in hand then, the worker takes it for moved, although it may have been
// swept before the first try came through. It learns of its eviction at about the same time.
func (t *tally) isBelieved(r *runRecord) bool {
	life := t.lives[r.life]
	return (r.end == Retried || r.end == Failed) && life.evicted && t.facts.CutOff[r.pid] &&
		r.endAt.After(life.learnt.Add(-believes))
}

// mayBeUndone says whether a fail-over came while the run was in hand, or about when it ended.
func (t *tally) mayBeUndone(r *runRecord) bool {
	return slices.ContainsFunc(t.facts.Undone, func(s Span) bool {
		return !r.since.After(s.To) && (r.end == "" || !r.endAt.Before(s.From))
	})
}

// countLife books the runs of one life with their messages.
func (t *tally) countLife(name string, life *lifeRecord) {
	for key, began := range life.began {
		m := t.of(key.id)
		if m.attempts[key.attempt] == nil {
			m.attempts[key.attempt] = &runs{}
		}
		m.attempts[key.attempt].began += began
		m.attempts[key.attempt].excused += min(began, m.excuses[attemptLife{name, key.attempt}])
	}
	for key, well := range life.well {
		m := t.of(key.id)
		m.doubtful += max(0, well-m.ends[attemptLife{name, key.attempt}])
	}
}

func (t *tally) evictions() int {
	n := 0
	for _, life := range t.lives {
		if life.evicted {
			n++
		}
	}
	return n
}

// wronglyEvicted returns the workers that were taken for dead without a reason.
func (t *tally) wronglyEvicted() []string {
	var names []string
	for name, life := range t.lives {
		if life.evicted && !t.facts.CutOff[life.pid] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// slowestRedelivery returns the longest time from the death of a worker until what it held was given
// back, which is when Redis stopped knowing it.
func (t *tally) slowestRedelivery() time.Duration {
	slowest := time.Duration(0)
	for name, life := range t.lives {
		died, killed := t.facts.Killed[life.pid]
		if seen, known := t.facts.LastSeen[name]; killed && known {
			slowest = max(slowest, seen.Sub(died))
		}
	}
	return slowest
}
