package worker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// varied lets handlers take up to 40 ms, each its own time, so that many end while an exchange is on the way
// for others.
func (g *gauge) varied(ctx context.Context, j *Job) error {
	var n int
	if _, err := fmt.Sscanf(j.ID, "m%d", &n); err != nil {
		return err
	}
	return g.handle(time.Duration(n*7919%40)*time.Millisecond)(ctx, j)
}

// startVaried starts a worker of 20 slots on n messages and a Redis that answers after 30 ms.
func startVaried(t *testing.T, g *gauge, n int) (b *bench, all []string) {
	t.Helper()
	all = messages("job", n)
	store := newFakeStore(all...)
	store.slow = 30 * time.Millisecond
	return start(t, store, g.varied, func(c *Config) { c.Concurrency = 20 }), all
}

// awaitBoth waits until two exchanges are on the way.
func (b *bench) awaitBoth() {
	b.t.Helper()
	for range 1000 {
		flying := 0
		b.store.look(func() { flying = b.store.flying })
		if flying == 2 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	b.t.Fatal("there are never two exchanges on the way")
}

func sorted(payloads []string) []string { return slices.Sorted(slices.Values(payloads)) }

// Where Redis is slow, half of the slots go on while the others are exchanged, and no slot has two runs.
func TestTwoExchangesAreOnTheWayAtOnce(t *testing.T) {
	for size, want := range map[int]int{1: 1, 3: 1, 20: 2} {
		t.Run(fmt.Sprint(size, " slots"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newFakeStore(messages("job", 1000)...)
				store.slow = 30 * time.Millisecond
				var g gauge
				b := start(t, store, g.varied, func(c *Config) { c.Concurrency = size })
				time.Sleep(2 * time.Minute)
				b.checkStore("exchanges on the way", func(s *fakeStore) any { return s.mostFlying }, want)
				b.checkStore("acknowledged", func(s *fakeStore) any { return len(s.acked) }, 1000)
				if g.most.Load() > int64(size) {
					t.Errorf("%d ran at once", g.most.Load())
				}
				b.end()
			})
		})
	}
}

// Both exchanges are repeated when their answers get lost, and nothing is begun twice.
func TestBothExchangesAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		b, all := startVaried(t, &g, 3000)
		store := b.store
		for range 5 {
			b.awaitBoth()
			store.look(func() { store.mute = 2 })
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		b.checkStore("to be lost", func(s *fakeStore) any { return s.mute }, 0)
		b.checkStore("acknowledged", func(s *fakeStore) any { return sorted(s.acked) }, sorted(all))
		if g.ended.Load() != 3000 || g.most.Load() > 20 {
			t.Errorf("%d runs, %d at once", g.ended.Load(), g.most.Load())
		}
		b.end()
	})
}

// A worker that was taken for dead finds out by both exchanges, and registers once.
func TestBothExchangesLearnOfTheEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		b, all := startVaried(t, &g, 300)
		store := b.store
		b.awaitBoth()
		store.look(store.sweep)
		time.Sleep(10 * time.Second)
		b.checkStore("registered", func(s *fakeStore) any { return s.registered }, 2)
		b.checkStore("in hand", held, 0)
		store.look(func() {
			if diff := cmp.Diff(sorted(all), sorted(slices.Concat(store.acked, store.timeout))); diff != "" {
				t.Errorf("acknowledged or parked (-want +got):\n%s", diff)
			}
		})
		b.end()
	})
}

// A stop waits for both exchanges, and hands back what they bring.
func TestAStopWaitsForBothExchanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gauge
		b, all := startVaried(t, &g, 300)
		store := b.store
		b.awaitBoth()
		before := g.ended.Load()
		if took := b.end(); took > time.Second {
			t.Errorf("the stop took %s", took)
		}
		b.checkStore("in hand", held, 0)
		store.look(func() {
			if diff := cmp.Diff(sorted(all), sorted(slices.Concat(store.acked, store.waiting))); diff != "" {
				t.Errorf("acknowledged or waiting (-want +got):\n%s", diff)
			}
		})
		if begun := g.ended.Load() - before; begun > 20 {
			t.Errorf("%d runs ended after the stop", begun)
		}
	})
}

// Whatever happens to exchanges, and whatever handlers take, each message ends once, unless the worker was
// taken for dead; and none is held that the worker does not know.
func TestExchangesGoWrongInManyWays(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { goWrong(t, rand.New(rand.NewPCG(seed, 2))) })
		})
	}
}

func goWrong(t *testing.T, random *rand.Rand) {
	all := messages("job", 400)
	store := newFakeStore(all[:200]...)
	size := 1 + random.IntN(24)
	var g gauge
	b := start(t, store, g.varied, func(c *Config) { c.Concurrency = size })
	evicted := false
	for _, late := range all[200:] {
		time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
		store.look(func() {
			store.slow = time.Duration(random.IntN(30)) * time.Millisecond
			switch random.IntN(12) {
			case 0, 1:
				store.mute = random.IntN(3)
			case 2:
				store.down = !store.down
			case 3:
				if random.IntN(5) == 0 {
					store.sweep()
					evicted = true
				}
			}
		})
		store.push(late)
	}
	store.look(func() { store.down, store.mute = false, 0 })
	time.Sleep(time.Minute)
	b.checkStore("in hand", held, 0)
	store.look(func() {
		if diff := cmp.Diff(sorted(all), sorted(slices.Concat(store.acked, store.timeout))); diff != "" {
			t.Errorf("acknowledged or parked (-want +got):\n%s", diff)
		}
	})
	if g.most.Load() > int64(size) {
		t.Errorf("%d ran at once in %d slots", g.most.Load(), size)
	}
	if ended := int(g.ended.Load()); !evicted && ended != len(all) {
		t.Errorf("%d runs of %d messages", ended, len(all))
	}
	b.end()
}
