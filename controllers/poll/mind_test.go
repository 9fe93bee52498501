package poll_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// promise is how late a message that is due may be moved.
const promise = 500 * time.Millisecond

// Where fewer than two workers move what is due, the poller is in time by itself, for messages of which
// the last look knew nothing too, and keeps to what the idle budget leaves it: 5 commands a second for a
// channel, of which a tender sends 2.3.
func TestMindsWhatFewerThanTwoWorkersTend(t *testing.T) {
	tests := map[string]struct {
		tenders           int
		wantLooks, budget int // in 100 s; the budget is of looks and minds
	}{
		"nobody tends": {0, 102, 500},
		"one tends":    {1, 105, 270},
		"two do":       {2, 100, 101},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, "a")
				s := b.servers["a"]
				s.look.Tenders = test.tenders
				b.Watch(orders, target("a"))
				pass(100 * time.Second)
				looks, _ := s.asked()
				if looks > test.wantLooks+1 || looks+s.minds > test.budget {
					t.Errorf("%d looks and %d minds in 100 s", looks, s.minds)
				}
				if test.tenders > 1 {
					return
				}
				const step = 7 * time.Millisecond // all phases between looks, and all delays
				for i := range 1000 {
					s.push(time.Duration(i*37%1100) * time.Millisecond)
					pass(step + time.Duration(i*13%50)*time.Millisecond)
				}
				pass(2 * time.Second)
				if len(s.late) != 1000 || slices.Max(s.late) > promise {
					t.Errorf("%d messages moved, up to %v late", len(s.late), slices.Max(s.late))
				}
			})
		})
	}
}

// Nobody but the poller moves what falls due: it is there at the moment, but for a pause, and does not
// look at the other queues for that.
func TestIsThereWhenAKnownMessageFallsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		s := b.servers["a"]
		s.push(300*time.Millisecond, 2300*time.Millisecond, 2310*time.Millisecond)
		b.Watch(orders, target("a"))
		pass(10 * time.Second)
		if looks, _ := s.asked(); looks > 11 || len(s.late) != 3 || slices.Max(s.late) > 50*time.Millisecond {
			t.Errorf("%d looks, late by %v", looks, s.late)
		}
	})
}

// What a mind finds is news like what a look finds.
func TestAMindWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		s := b.servers["a"]
		b.Watch(orders, target("a"))
		pass(150 * time.Millisecond)
		b.wakes()
		s.push(0)
		s.set(func(s *server) { s.look.Backlog.Waiting = 1 })
		pass(300 * time.Millisecond)
		if b.wakes() != 1 || b.Latest(orders).Backlog.Waiting != 1 {
			t.Errorf("half a second later: %+v", b.Latest(orders).Backlog)
		}
	})
}

// A Redis that does not answer is minded no more until it does; what the looks make of it stays as it is.
func TestAMindThatFailsIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		s := b.servers["a"]
		b.Watch(orders, target("a"))
		pass(150 * time.Millisecond)
		s.set(func(s *server) { s.err = errors.New("lost") })
		pass(600 * time.Millisecond)
		if looks, _ := s.asked(); looks != 1 || s.minds != 1 || b.Latest(orders).Fault != nil {
			t.Errorf("%d looks, %d minds, %+v", looks, s.minds, b.Latest(orders).Fault)
		}
		pass(time.Minute)
		if s.minds != 1 || b.Latest(orders).Fault == nil {
			t.Errorf("a minute later: %d minds, %+v", s.minds, b.Latest(orders).Fault)
		}
		s.set(func(s *server) { s.err = nil })
		pass(5 * time.Second)
		if s.minds < 5 || !b.Latest(orders).Known() {
			t.Errorf("Redis is back: %d minds, %+v", s.minds, b.Latest(orders).Fault)
		}
	})
}

// A queue that has just gone, or came, while its Redis is asked.
func TestMindsOnlyWhatIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		s := b.servers["a"]
		b.Watch(orders, target("a"))
		b.Watch(types.NamespacedName{Name: "other"}, target("a"))
		pass(150 * time.Millisecond)
		b.Forget(orders)
		b.Forget(types.NamespacedName{Name: "other"})
		pass(time.Minute)
		if s.minds != 0 {
			t.Errorf("%d minds of nothing", s.minds)
		}
	})
}
