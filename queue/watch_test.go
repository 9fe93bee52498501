package queue

import (
	"testing"
	"time"
)

func TestWatchDeclaresDead(t *testing.T) {
	type look struct {
		after time.Duration // since the look before
		beat  string        // "" = the look failed
		dead  bool
	}
	repeat := func(n int, l look) []look {
		looks := make([]look, n)
		for i := range looks {
			looks[i] = l
		}
		return looks
	}
	tests := map[string][]look{
		"a beat that stays the same for 8 s": append(
			repeat(9, look{time.Second, "1", false})[:8], look{999 * time.Millisecond, "1", false}, look{time.Millisecond, "1", true}),
		"every beat starts the time again": {
			{0, "1", false}, {2 * time.Second, "1", false}, {2 * time.Second, "1", false}, {2 * time.Second, "1", false},
			{2 * time.Second, "2", false}, {2 * time.Second, "2", false}, {2 * time.Second, "2", false}, {2 * time.Second, "2", false},
			{2 * time.Second, "2", true}, {time.Second, "2", true}, {time.Second, "3", false},
		},
		"an observer that was frozen counts 2 s of it": {
			{0, "1", false}, {time.Hour, "1", false}, {time.Hour, "1", false}, {time.Hour, "1", false}, {time.Hour, "1", true},
		},
		"an outage of Redis does not count": append(append([]look{{0, "1", false}, {time.Second, "1", false}},
			repeat(60, look{time.Second, "", false})...),
			look{time.Second, "1", false}, look{2 * time.Second, "1", false}, look{2 * time.Second, "1", false},
			look{2 * time.Second, "1", false}, look{time.Second, "1", true}),
		"a clock that goes back does not count": {
			{0, "1", false}, {-time.Hour, "1", false}, {2 * time.Second, "1", false}, {2 * time.Second, "1", false},
			{2 * time.Second, "1", false}, {2 * time.Second, "1", true},
		},
	}
	for name, looks := range tests {
		t.Run(name, func(t *testing.T) {
			w, now := newWatch(), time.Unix(1_800_000_000, 0)
			for i, l := range looks {
				now = now.Add(l.after)
				if l.beat == "" {
					w.miss()
					continue
				}
				dead := w.look(now, []Beat{{ID: "w", text: l.beat}})
				if (len(dead) == 1) != l.dead {
					t.Fatalf("look %d: dead %v", i, dead)
				}
			}
		})
	}
}

func TestWatchForgetsWhoIsGone(t *testing.T) {
	w, now := newWatch(), time.Unix(1_800_000_000, 0)
	w.look(now, []Beat{{ID: "a", text: "1"}, {ID: "b", text: "1"}})
	w.look(now.Add(time.Second), []Beat{{ID: "b", text: "1"}})
	if len(w.workers) != 1 {
		t.Errorf("remembers %d workers", len(w.workers))
	}
}
