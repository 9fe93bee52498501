package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/memstore"
)

// spell is the time that a handler ran, as it knew it.
type spell struct {
	worker     string
	fence      uint64
	began, end time.Time
	cause      error
}

// diary is what the handlers of an exclusive queue did.
type diary struct {
	mu     sync.Mutex
	spells []spell
}

// handle works for d in small steps, as long as its context lets it.
func (y *diary) handle(worker string, d time.Duration) HandlerFunc {
	return func(ctx context.Context, job *Job) error {
		s := spell{worker: worker, fence: job.Fence, began: time.Now()}
		for ctx.Err() == nil && time.Since(s.began) < d {
			sleep(ctx, 10*time.Millisecond)
		}
		s.end, s.cause = time.Now(), context.Cause(ctx)
		y.mu.Lock()
		defer y.mu.Unlock()
		y.spells = append(y.spells, s)
		return ctx.Err()
	}
}

// check expects that no two overlap, and that fences grow.
func (y *diary) check(t *testing.T, want int) []spell {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	all := slices.SortedFunc(slices.Values(y.spells), func(a, b spell) int { return a.began.Compare(b.began) })
	if len(all) != want {
		t.Errorf("%d runs, want %d: %v", len(all), want, all)
	}
	for i := 1; i < len(all); i++ {
		if all[i].began.Before(all[i-1].end) {
			t.Errorf("overlap: %+v and %+v", all[i-1], all[i])
		}
		if all[i].fence <= all[i-1].fence {
			t.Errorf("fence %d after %d", all[i].fence, all[i-1].fence)
		}
	}
	return all
}

// far is a network that can be cut.
type far struct{ cut atomic.Bool }

// farTurn is a turn across it.
type farTurn struct {
	Turn
	far *far
}

func (f farTurn) Take(ctx context.Context) (uint64, bool, error) {
	if f.far.cut.Load() {
		return 0, false, errDown
	}
	return f.Turn.Take(ctx)
}

// farStore is a store across it.
type farStore struct {
	Store
	far *far
}

func (f farStore) Exchange(ctx context.Context, done []queue.RunID, want int) (queue.Exchanged, error) {
	if f.far.cut.Load() {
		return queue.Exchanged{}, errDown
	}
	return f.Store.Exchange(ctx, done, want)
}

func (f farStore) Beat(ctx context.Context, l queue.Load) (queue.BeatResult, error) {
	if f.far.cut.Load() {
		return queue.BeatResult{}, errDown
	}
	return f.Store.Beat(ctx, l)
}

func (f farStore) Expire(ctx context.Context, id queue.RunID) (queue.Outcome, error) {
	if f.far.cut.Load() {
		return 0, errDown
	}
	return f.Store.Expire(ctx, id)
}

// exclusive runs a worker of an exclusive queue until the returned function is
// called.
func exclusive(t *testing.T, q *memstore.Queue, network *far, h HandlerFunc) (stop func()) {
	t.Helper()
	w, err := New(Config{
		Store: farStore{q.NewConsumer(), network}, Keeper: q, Turn: farTurn{q.NewTurn(), network},
		Concurrency: 1, HandleTimeout: time.Hour, ContinueLost: true, Logger: slog.New(slog.DiscardHandler),
	}, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func pushJobs(t *testing.T, q *memstore.Queue, n int) {
	t.Helper()
	for i := range n {
		_ = q.Push(t.Context(), []byte(message("job", fmt.Sprint("m", i)))) // it never fails
	}
}

func TestExclusiveWorkersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all diary
		q := memstore.New(memstore.Config{})
		pushJobs(t, q, 40)
		stopA := exclusive(t, q, &far{}, all.handle("a", time.Second))
		stopB := exclusive(t, q, &far{}, all.handle("b", time.Second))
		time.Sleep(10*time.Second + 500*time.Millisecond)
		stopA()
		time.Sleep(2 * turnRetry) // b asks
		stopA = exclusive(t, q, &far{}, all.handle("a", time.Second))
		time.Sleep(10 * time.Second)
		stopB()
		time.Sleep(time.Minute)
		stopA()
		spells := all.check(t, 40)
		var handed int
		for i := 1; i < len(spells); i++ {
			gap := spells[i].began.Sub(spells[i-1].end)
			if spells[i].worker != spells[i-1].worker {
				handed++
			}
			if gap > turnRetry {
				t.Errorf("%s between two runs, want at most %s", gap, turnRetry)
			}
		}
		if handed < 1 {
			t.Errorf("the turn never changed hands: %v", spells)
		}
		if got := q.Done(); got != 40 {
			t.Errorf("%d done, want 40", got)
		}
	})
}

// A worker that cannot renew stops its handler 2 s before anybody else can begin.
func TestExclusiveWorkerBehindAPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all diary
		q := memstore.New(memstore.Config{})
		pushJobs(t, q, 3)
		network := &far{}
		stopA := exclusive(t, q, network, all.handle("a", 20*time.Second))
		synctest.Wait()
		stopB := exclusive(t, q, &far{}, all.handle("b", time.Second))
		time.Sleep(5 * time.Second)
		network.cut.Store(true)
		time.Sleep(30 * time.Second)
		network.cut.Store(false)
		time.Sleep(30 * time.Second)
		stopB()
		stopA()
		spells := all.check(t, 3)
		if !errors.Is(spells[0].cause, ErrTurnLost) || !errors.Is(spells[0].cause, ErrLost) {
			t.Errorf("the cut-off handler ended because of %v", spells[0].cause)
		}
		if gap := spells[1].began.Sub(spells[0].end); spells[1].worker != "b" || gap < turnMargin || gap > turnMargin+turnRetry {
			t.Errorf("%s began %s after the cut-off handler had ended, want b after %s to %s", spells[1].worker, gap, turnMargin, turnMargin+turnRetry)
		}
		if n := len(q.Messages(queue.Timeout)); n != 1 || q.Done() != 2 {
			t.Errorf("%d in timeout and %d done, want 1 and 2", n, q.Done())
		}
	})
}

func TestFencesThatRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all diary
		q := memstore.New(memstore.Config{})
		w := &Worker{cfg: Config{Turn: q.NewTurn(), Logger: slog.New(slog.DiscardHandler)}, wake: make(chan struct{}, 1)}
		w.link.log = w.cfg.Logger
		keeper := newTurn(w)
		keeper.take(t.Context(), &backoff{})
		keeper.used = queue.TurnFences
		if keeper.mine() {
			t.Error("a turn without fence numbers may begin a run")
		}
		keeper.take(t.Context(), &backoff{})
		ctx, fence, ok := keeper.begin(t.Context())
		if !ok || fence != 2*queue.TurnFences || ctx.Err() != nil {
			t.Errorf("begin = %d, %t; want the first fence of the next turn", fence, ok)
		}
		keeper.ended()
		keeper.alarm.Stop()
		all.check(t, 0)
	})
}

func TestExclusiveNeedsOneSlot(t *testing.T) {
	q := memstore.New(memstore.Config{})
	cfg := Config{Store: q.NewConsumer(), Turn: q.NewTurn()}
	h := HandlerFunc(func(context.Context, *Job) error { return nil })
	if _, err := New(cfg, h); err == nil {
		t.Error("New took ten slots for an exclusive queue")
	}
	cfg.Concurrency = 1
	w, err := New(cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetConcurrency(2); err == nil {
		t.Error("SetConcurrency took two slots for an exclusive queue")
	}
	if diff := cmp.Diff(1, w.Concurrency()); diff != "" {
		t.Errorf("Concurrency (-want +got):\n%s", diff)
	}
}
