package queue

import (
	"slices"
	"sync"
)

// hand is what a consumer believes to hold in Redis. It tells a run that was lost from one that an
// unanswered call has ended.
type hand struct {
	mu   sync.Mutex
	runs map[RunID]grip
}

// grip is what a consumer knows about a run in hand.
type grip struct {
	counted bool // has a redelivery count, to be forgotten when it is acknowledged
	unsure  bool // a call that may have ended it has not been answered
}

func newHand() *hand { return &hand{runs: map[RunID]grip{}} }

func (h *hand) take(runs []Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, run := range runs {
		h.runs[run.ID] = grip{counted: run.Redelivered > 0}
	}
}

// drop forgets runs that are not in hand any more.
func (h *hand) drop(ids ...RunID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		delete(h.runs, id)
	}
}

// empty forgets all runs: the worker's life in Redis has ended.
func (h *hand) empty() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.runs)
}

// doubt notes that a call that ends these runs was not answered.
func (h *hand) doubt(ids ...RunID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		if g, held := h.runs[id]; held {
			g.unsure = true
			h.runs[id] = g
		}
	}
}

// isUnsure reports whether an unanswered call may have ended the run.
func (h *hand) isUnsure(id RunID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.runs[id].unsure
}

// acks is what an Exchange acknowledges.
type acks struct {
	ids     []RunID // in hand, ascending
	rows    []RunID // first and last of each row of ids without a gap
	counted []RunID // those with a redelivery count
	unknown []RunID // not in hand at all: lost
}

// sort looks at the runs that ended.
func (h *hand) sort(done []RunID) acks {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := acks{ids: make([]RunID, 0, len(done))}
	for _, id := range done {
		g, held := h.runs[id]
		if !held {
			a.unknown = append(a.unknown, id)
			continue
		}
		a.ids = append(a.ids, id)
		if g.counted {
			a.counted = append(a.counted, id)
		}
	}
	slices.Sort(a.ids)
	a.ids = slices.Compact(a.ids)
	a.rows = rowsOf(a.ids)
	return a
}

func rowsOf(ids []RunID) []RunID {
	var rows []RunID
	for i, id := range ids {
		if i > 0 && id == ids[i-1]+1 {
			rows[len(rows)-1] = id
		} else {
			rows = append(rows, id, id)
		}
	}
	return rows
}
