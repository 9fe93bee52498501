package queue

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// loseBoth loses the answers of two exchanges that are on the way at once, each of which claims want messages.
func loseBoth(t *testing.T, c *Consumer, f *fault, want int) {
	t.Helper()
	first := c.lanes.enter()
	second := c.lanes.enter()
	for _, free := range []*lane{first, second} {
		c.lanes.leave(free)
		f.loseAnswer()
		if _, err := c.Exchange(t.Context(), nil, want); !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		if again := c.lanes.enter(); again != free {
			t.Fatal("the exchange went another way")
		}
	}
	c.lanes.leave(first)
	c.lanes.leave(second)
}

func TestTwoUnansweredExchangesAreBothRepeated(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b", "c", "d", "e")
	faulty, f := newFaultyQueue(t, q)
	c := newTestConsumer(t, faulty, ConsumerConfig{})
	loseBoth(t, c, f, 2)
	held := snapshot{"waiting": {"e"}, "reserved": {"a", "b", "c", "d"}, "hand": {"a", "b", "c", "d"}}
	wantState(t, q, held)

	first := mustExchange(t, c, nil, 0)
	wantState(t, q, held) // what the other one is to bring is not taken for a run of nobody
	second := mustExchange(t, c, nil, 0)
	wantState(t, q, held)
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c", "d"}}, [][]string{payloadsOf(first.Runs), payloadsOf(second.Runs)}); diff != "" {
		t.Error(diff)
	}
	third := mustExchange(t, c, slices.Concat(idsOf(first.Runs), idsOf(second.Runs)), 5)
	if diff := cmp.Diff([]string{"e"}, payloadsOf(third.Runs)); diff != "" || len(third.Lost) > 0 {
		t.Error(diff, third.Lost)
	}
	wantState(t, q, snapshot{"reserved": {"e"}, "hand": {"e"}})
}

// What was claimed in a life that has ended is not repeated in the next one.
func TestUnansweredExchangesEndWithTheLife(t *testing.T) {
	q := newTestQueue(t)
	mustPush(t, q, "a", "b", "c")
	faulty, f := newFaultyQueue(t, q)
	c := newTestConsumer(t, faulty, ConsumerConfig{Loss: Park})
	loseBoth(t, c, f, 1)
	if err := c.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := mustExchange(t, c, nil, 5); !slices.Equal(payloadsOf(got.Runs), []string{"c"}) {
		t.Errorf("claimed %q", payloadsOf(got.Runs))
	}
	wantState(t, q, snapshot{"timeout": {"b", "a"}, "reserved": {"c"}, "hand": {"c"}})
}

func TestAThirdExchangeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes()
		first, second := l.enter(), l.enter()
		var third *lane
		go func() { third = l.enter() }()
		synctest.Wait()
		if third != nil {
			t.Fatal("three at once")
		}
		second.unanswered = true
		l.leave(second)
		synctest.Wait()
		if third != second {
			t.Error("another lane than the one that was left")
		}
		l.leave(second)
		l.leave(first)
		if next := l.enter(); next != second {
			t.Error("the lane with an unanswered call does not come first")
		}
	})
}

// Two goroutines exchange at once as one worker, and now and then an answer or a request is lost: each
// message comes to one of them once, also where others have the same payload.
func TestExchangesAtOnce(t *testing.T) {
	const count = 3000
	q := newTestQueue(t)
	faulty, f := newFaultyQueue(t, q)
	c := newTestConsumer(t, faulty, ConsumerConfig{})
	pushed := map[string]int{}
	var payloads [][]byte
	for i := range count {
		text := fmt.Sprint(i - i%7%2) // some twice
		pushed[text]++
		payloads = append(payloads, []byte(text))
	}
	if err := q.Push(t.Context(), payloads...); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen, lost := map[string]int{}, 0
	var workers sync.WaitGroup
	for g := range uint64(2) {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(g, 1))
			var done []RunID
			for idle := 0; idle < 3; {
				switch random.IntN(20) {
				case 0:
					f.loseAnswer()
				case 1:
					f.loseRequest()
				}
				answer, err := c.Exchange(t.Context(), done, 1+random.IntN(30))
				if err != nil {
					if !errors.Is(err, errCut) {
						t.Error(err)
						return
					}
					continue
				}
				idle++
				if len(answer.Runs) > 0 {
					idle = 0
				}
				done = idsOf(answer.Runs)
				mu.Lock()
				for _, run := range answer.Runs {
					seen[string(run.Payload)]++
				}
				lost += len(answer.Lost) + len(answer.Late)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if diff := cmp.Diff(pushed, seen); diff != "" || lost > 0 {
		t.Errorf("%d lost; handled (-pushed +seen):\n%s", lost, diff)
	}
	wantState(t, q, snapshot{})
}
