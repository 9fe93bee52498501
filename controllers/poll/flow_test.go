package poll_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

// Two workers with five in hand each end 40 runs a second together.
func TestMeasuresHowFastMessagesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		done := uint64(0)
		work := func(s *server) {
			done += 20
			s.look = poll.Look{
				Backlog: poll.Backlog{Waiting: 100}, InHand: 10,
				Workers: []poll.Worker{{ID: "a", Running: 5, Done: 10_000 + done}, {ID: "b", Running: 5, Done: done}},
			}
		}
		b.servers["a"].set(work)
		b.Watch(orders, target("a"))
		for range 120 {
			pass(time.Second)
			b.servers["a"].set(work)
		}
		got := b.Latest(orders).Rates
		if got.Arrival < 38 || got.Arrival > 42 || got.PerSlot < 3.8 || got.PerSlot > 4.2 {
			t.Errorf("%+v, want about 40 arriving and 4 per slot", got)
		}
	})
}

// A message that was delayed carries the time at which it was made. It has not
// waited for longer than something has waited at all.
func TestNoMessageIsOlderThanTheBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		b.servers["a"].set(func(s *server) { s.look = poll.Look{Backlog: poll.Backlog{Waiting: 1}, Age: time.Hour} })
		pass(3 * time.Second)
		if got := b.Latest(orders).Age; got < 2*time.Second || got > 4*time.Second {
			t.Errorf("age %s, want about 3 s", got)
		}
	})
}

func TestTellsSinceWhenItLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "a")
		b.Watch(orders, target("a"))
		pass(100 * time.Millisecond)
		first := b.Latest(orders).Since
		lose := func(d time.Duration) {
			b.servers["a"].set(func(s *server) { s.err = errors.New("lost") })
			pass(d)
			b.servers["a"].set(func(s *server) { s.err = nil })
			pass(5 * time.Second)
		}
		lose(time.Second)
		if got := b.Latest(orders).Since; first.IsZero() || !got.Equal(first) {
			t.Errorf("since %v after one lost answer, want %v", got, first)
		}
		lose(time.Minute)
		got := b.Latest(orders)
		if got.Since.Sub(first) < time.Minute || got.Since.After(got.At) {
			t.Errorf("since %v after an outage, first %v, now %v", got.Since, first, got.At)
		}
	})
}

func TestFindsTheAgeOfTheNextMessage(t *testing.T) {
	addr := redistest.Shared(t)
	rdb := client(t, addr)
	minuteAgo := `"time":"` + time.Now().Add(-time.Minute).UTC().Format(time.RFC3339Nano) + `"`
	tests := map[string]struct {
		messages []string // the first is taken first
		asked    bool
		want     time.Duration
	}{
		"an event with its time":   {[]string{`{"type":"a",` + minuteAgo + `}`, `{}`}, true, time.Minute},
		"not asked for":            {[]string{`{"type":"a",` + minuteAgo + `}`}, false, 0},
		"an event without a time":  {[]string{`{"type":"a"}`}, true, 0},
		"no event":                 {[]string{`O:3:"Job":0:{}`}, true, 0},
		"one that was tried":       {[]string{`{"type":"a","attempts":1,` + minuteAgo + `}`}, true, 0},
		"a time that is none":      {[]string{`{"type":"a","time":"noon"}`}, true, 0},
		"a time in the future":     {[]string{`{"type":"a","time":"2999-01-01T00:00:00Z"}`}, true, 0},
		"too long to be looked at": {[]string{`{` + minuteAgo + `,"data":"` + string(make([]byte, 70<<10)) + `"}`}, true, 0},
		"nothing":                  {nil, true, 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			channel := "{age " + name + "}"
			q, err := queue.New(rdb, channel)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range tc.messages {
				if err := q.Push(t.Context(), []byte(m)); err != nil {
					t.Fatal(err)
				}
			}
			asked := redisTarget(addr, channel)
			asked.Age = tc.asked
			results, err := look(t, map[types.NamespacedName]poll.Target{orders: asked})
			if err != nil {
				t.Fatal(err)
			}
			if got := results[orders].Look.Age.Round(10 * time.Second); got != tc.want {
				t.Errorf("age %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTellsWhatEachWorkerHasInHand(t *testing.T) {
	addr := redistest.Shared(t)
	q, err := queue.New(client(t, addr), "{told}")
	if err != nil {
		t.Fatal(err)
	}
	c, err := q.NewConsumer(queue.ConsumerConfig{ID: "w", Pod: "orders-worker-x", HandleTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Beat(t.Context(), queue.Load{Running: 3, Done: 7}); err != nil {
		t.Fatal(err)
	}
	results, err := look(t, map[types.NamespacedName]poll.Target{orders: redisTarget(addr, "{told}")})
	if err != nil {
		t.Fatal(err)
	}
	want := []poll.Worker{{ID: c.ID(), Pod: "orders-worker-x", Running: 3, Done: 7}}
	if diff := cmp.Diff(want, results[orders].Look.Workers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
