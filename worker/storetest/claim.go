package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/asyncqueue/operator/queue"
)

// deadline bounds what a test waits for.
const deadline = 20 * time.Second

func testStranger(t *testing.T, site Site) {
	site.Push("m")
	if _, err := site.Store.Exchange(t.Context(), nil, 1); !errors.Is(err, queue.ErrEvicted) {
		t.Errorf("Exchange before Register: %v, want ErrEvicted", err)
	}
	if _, err := site.Store.Beat(t.Context(), queue.Load{}); !errors.Is(err, queue.ErrEvicted) {
		t.Errorf("Beat before Register: %v, want ErrEvicted", err)
	}
	checkStanding(t, site, Standing{Waiting: []string{"m"}})
}

func testExchange(t *testing.T, site Site) {
	register(t, site)
	site.Push("a", "b", "c")
	first := claim(t, site, nil, 2, "a", "b")
	if _, err := site.Store.Expire(t.Context(), first.Runs[1].ID); err != nil {
		t.Fatal(err)
	}
	done := []queue.RunID{first.Runs[0].ID, first.Runs[1].ID, first.Runs[1].ID + 1000}
	second := claim(t, site, done, 5, "c")
	if diff := cmp.Diff([][]queue.RunID{done[2:], done[1:2]}, [][]queue.RunID{second.Lost, second.Late}); diff != "" {
		t.Errorf("lost and late (-want +got):\n%s", diff)
	}
	checkStanding(t, site, Standing{Timeout: []string{"b"}})
	third := claim(t, site, done[:1], 5)
	if diff := cmp.Diff(done[:1], third.Lost); diff != "" {
		t.Errorf("lost of what was acknowledged twice (-want +got):\n%s", diff)
	}
}

func testWant(t *testing.T, site Site) {
	register(t, site)
	site.Push("a", "b", "c")
	claim(t, site, nil, 0)
	claim(t, site, nil, 1, "a")
	claim(t, site, nil, 10, "b", "c")
	claim(t, site, nil, 10)
}

func testAwait(t *testing.T, site Site) {
	register(t, site)
	if found, err := site.Store.Await(t.Context(), 10*time.Millisecond); found || err != nil {
		t.Errorf("Await of nothing = %t, %v", found, err)
	}
	go site.Push("m")
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for found := false; !found; {
		var err error
		if found, err = site.Store.Await(ctx, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	claim(t, site, nil, 1, "m")
}

func testAwaitEnds(t *testing.T, site Site) {
	register(t, site)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := site.Store.Await(ctx, time.Hour); found || !errors.Is(err, context.Canceled) {
		t.Errorf("Await = %t, %v; want context.Canceled", found, err)
	}
}

// Of equal messages none merges with another, in flight or in retry, though a store
// may give them one by one.
func testEqual(t *testing.T, site Site) {
	register(t, site)
	site.Push("m", "m", "m")
	got, err := site.Store.Exchange(t.Context(), nil, 3)
	if err != nil || len(got.Runs) == 0 {
		t.Fatalf("Exchange = %+v, %v", got, err)
	}
	for _, run := range got.Runs {
		if outcome, err := site.Store.Requeue(t.Context(), run.ID, 0); err != nil || outcome != queue.Moved {
			t.Fatalf("Requeue = %v, %v", outcome, err)
		}
	}
	claimDue(t, site, "m", "m", "m")
}

func testDue(t *testing.T, site Site) {
	register(t, site)
	site.Push("a", "b", "c")
	got := claim(t, site, nil, 3, "a", "b", "c")
	for i, delay := range []time.Duration{60, 30, 0} {
		if _, err := site.Store.Requeue(t.Context(), got.Runs[i].ID, delay*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	claimDue(t, site, "c", "b", "a")
}

// claimDue tends the queue and claims until these messages came, in this order.
func claimDue(t *testing.T, site Site, want ...string) {
	t.Helper()
	var got []string
	for began := time.Now(); len(got) < len(want) && time.Since(began) < deadline; {
		if err := site.Tend(); err != nil {
			t.Fatal(err)
		}
		answer, err := site.Store.Exchange(t.Context(), nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		var done []queue.RunID
		for _, run := range answer.Runs {
			got = append(got, string(run.Payload))
			done = append(done, run.ID)
		}
		if _, err := site.Store.Exchange(t.Context(), done, 0); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
	checkStanding(t, site, Standing{})
}

func testNewLife(t *testing.T, site Site) {
	id := claimOne(t, site, "m")
	register(t, site)
	if outcome, err := site.Store.Fail(t.Context(), id, "no"); err != nil || outcome != queue.WasLost {
		t.Errorf("Fail of a run of an earlier life = %v, %v; want lost", outcome, err)
	}
	site.Push("n")
	if got := claim(t, site, []queue.RunID{id}, 1, "n"); len(got.Lost) != 1 {
		t.Errorf("lost %v, want the run of an earlier life", got.Lost)
	}
}

func testLeave(t *testing.T, site Site) {
	id := claimOne(t, site, "m")
	if err := site.Store.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := site.Store.Exchange(t.Context(), []queue.RunID{id}, 1); !errors.Is(err, queue.ErrEvicted) {
		t.Errorf("Exchange after Leave: %v, want ErrEvicted", err)
	}
	register(t, site)
	claim(t, site, nil, 1)
	checkStanding(t, site, Standing{Timeout: []string{"m"}})
}

func testRelease(t *testing.T, site Site) {
	register(t, site)
	site.Push("a", "b", "c")
	got := claim(t, site, nil, 2, "a", "b")
	if err := site.Store.Release(t.Context(), got.Runs[0].ID); err != nil {
		t.Fatal(err)
	}
	claim(t, site, nil, 2, "a", "c")
}

// testAtOnce ends many runs from many goroutines while one exchanges.
func testAtOnce(t *testing.T, site Site) {
	const n = 60
	register(t, site)
	var want Standing
	for i := range n {
		payload := fmt.Sprintf("m%02d", i)
		site.Push(payload)
		switch i % 3 {
		case 0:
			want.Failed = append(want.Failed, payload)
		case 1:
			want.Timeout = append(want.Timeout, payload)
		}
	}
	got, err := site.Store.Exchange(t.Context(), nil, n)
	if err != nil || len(got.Runs) != n {
		t.Fatalf("claimed %d, %v", len(got.Runs), err)
	}
	var done []queue.RunID
	var calls sync.WaitGroup
	for i, run := range got.Runs {
		do := []act{fail, expire, nil}[i%3]
		if do == nil {
			done = append(done, run.ID)
			continue
		}
		calls.Go(func() {
			if outcome, err := do(t.Context(), site.Store, run.ID); err != nil || outcome != queue.Moved {
				t.Errorf("ending a run = %v, %v", outcome, err)
			}
		})
	}
	answer, err := site.Store.Exchange(t.Context(), done, 1)
	calls.Wait()
	if err != nil || len(answer.Runs)+len(answer.Lost)+len(answer.Late) != 0 {
		t.Errorf("Exchange = %+v, %v", answer, err)
	}
	sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(want, site.Look(), sorted, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("standing (-want +got):\n%s", diff)
	}
}

// testExchangesAtOnce has two exchanges on the way: each message comes with one of them.
func testExchangesAtOnce(t *testing.T, site Site) {
	const n = 200
	register(t, site)
	want := map[string]int{}
	for i := range n {
		payload := fmt.Sprintf("m%03d", i)
		site.Push(payload)
		want[payload] = 1
	}
	var mu sync.Mutex
	got := map[string]int{}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			var done []queue.RunID
			for {
				answer, err := site.Store.Exchange(t.Context(), done, 7)
				if err != nil || len(answer.Lost)+len(answer.Late) != 0 {
					t.Errorf("Exchange = %+v, %v", answer, err)
					return
				}
				if len(answer.Runs) == 0 {
					return
				}
				done = done[:0]
				mu.Lock()
				for _, run := range answer.Runs {
					done = append(done, run.ID)
					got[string(run.Payload)]++
				}
				mu.Unlock()
			}
		})
	}
	both.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
	checkStanding(t, site, Standing{})
}

// testLostAnswer loses the answer to a claim, and to what acknowledges and claims
// at once: asked again, even for less, the same runs come.
func testLostAnswer(t *testing.T, site Site) {
	if site.LoseAnswer == nil {
		t.Skip("the answers of this store cannot get lost: Site.LoseAnswer is nil")
	}
	register(t, site)
	site.Push("a", "b", "c", "d")
	lose := func(done []queue.RunID, want int) {
		t.Helper()
		site.LoseAnswer()
		if got, err := site.Store.Exchange(t.Context(), done, want); err == nil {
			t.Fatalf("Exchange = %+v, want its answer lost", got)
		}
	}
	lose(nil, 2)
	lose(nil, 2)
	first := claim(t, site, nil, 1, "a", "b")
	checkStanding(t, site, Standing{Waiting: []string{"c", "d"}})

	done := []queue.RunID{first.Runs[0].ID, first.Runs[1].ID}
	lose(done[:1], 1)
	second := claim(t, site, done, 1, "c")
	claim(t, site, []queue.RunID{second.Runs[0].ID}, 5, "d")
	checkStanding(t, site, Standing{})
}
