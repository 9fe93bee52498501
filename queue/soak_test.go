package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// ledger counts messages by their payload: what was pushed, what was acknowledged, and what may have
// been, by a worker that was taken for dead before it got the answer.
type ledger struct {
	mu                     sync.Mutex
	pushed, acked, doubted map[string]int
	complete               bool // all is pushed
	workers                int  // that have lived
}

// note adds to one of the books.
func (l *ledger) note(book map[string]int, payload string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	book[payload]++
}

func (l *ledger) isComplete() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.complete
}

// Several workers and keepers at once, some of which die or lose answers: what was pushed is what was
// acknowledged and what stands in the keys, message by message.
func TestSoak(t *testing.T) {
	const workers, messages = 6, 1500
	q := newTestQueue(t)
	books := &ledger{pushed: map[string]int{}, acked: map[string]int{}, doubted: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for n := range workers {
		group.Go(func() {
			for life := uint64(0); ctx.Err() == nil; life++ {
				soakWorker(ctx, t, q, books, rand.New(rand.NewPCG(uint64(n), life)))
			}
		})
	}
	for range 2 {
		group.Go(func() { soakKeeper(ctx, q) })
	}
	group.Go(func() { soakProducer(t, q, books, messages) })
	eventually(t, 60*time.Second, "the channel to be empty", func() bool {
		return books.isComplete() && len(snapshotOf(t, q)) == 0
	})
	stop()
	group.Wait()
	standing := snapshotOf(t, q).standing()
	for payload, pushed := range books.pushed {
		least := books.acked[payload] + standing[payload]
		if most := least + books.doubted[payload]; pushed < least || pushed > most {
			t.Errorf("%s: pushed %d times, acknowledged or standing %d to %d times", payload, pushed, least, most)
		}
	}
	t.Logf("%d workers lived, %d acknowledgements are in doubt", books.workers, len(books.doubted))
}

func soakProducer(t *testing.T, q *Queue, books *ledger, messages int) {
	for i := range messages {
		payload := fmt.Sprintf("m%d", i-i%3) // three of each are equal
		books.note(books.pushed, payload)
		if err := q.Push(context.Background(), []byte(payload)); err != nil {
			t.Error(err)
		}
	}
	books.mu.Lock()
	defer books.mu.Unlock()
	books.complete = true
}

// soakKeeper is a keeper for which time passes fast, so that the dead are found.
func soakKeeper(ctx context.Context, q *Queue) {
	keeper := newTestKeeper(q, KeeperConfig{Loss: Redeliver}, 200*time.Millisecond)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for ctx.Err() == nil {
		_, _ = keeper.Tend(ctx)
		<-ticker.C
	}
}

// soakWorker lives until it dies of one of the many causes.
func soakWorker(ctx context.Context, t *testing.T, q *Queue, books *ledger, random *rand.Rand) {
	faulty, fault := newFaultyQueue(t, q)
	c, err := faulty.NewConsumer(ConsumerConfig{ID: "soak", Loss: Redeliver})
	if err != nil {
		t.Error(err)
		return
	}
	if err := c.Register(ctx); err != nil {
		return
	}
	books.mu.Lock()
	books.workers++
	books.mu.Unlock()
	payloads, done, unanswered := map[RunID]string{}, []RunID(nil), false
	for ctx.Err() == nil && (unanswered || random.IntN(100) != 0) {
		if random.IntN(20) == 0 {
			fault.arm(random.IntN(2) == 0)
		}
		_, _ = c.Beat(ctx, Load{})
		answer, err := c.Exchange(ctx, done, 20)
		if errors.Is(err, ErrEvicted) && unanswered {
			for _, id := range done {
				books.note(books.doubted, payloads[id])
			}
			return
		}
		if errors.Is(err, ErrEvicted) {
			return
		}
		if unanswered = err != nil; unanswered {
			continue // once more, with the same ids
		}
		for _, id := range done {
			if !slices.Contains(answer.Lost, id) {
				books.note(books.acked, payloads[id])
			}
		}
		done = done[:0]
		for _, run := range answer.Runs {
			payloads[run.ID] = string(run.Payload)
			done = append(done, soakRun(ctx, c, run, random)...)
		}
		if len(answer.Runs) == 0 {
			_, _ = c.Await(ctx, 50*time.Millisecond)
		}
	}
	for _, id := range done {
		if unanswered {
			books.note(books.doubted, payloads[id])
		}
	}
}

// soakRun ends a run in one of the ways, and returns it if it ended well.
func soakRun(ctx context.Context, c *Consumer, run Run, random *rand.Rand) []RunID {
	again := func(end func() (Outcome, error)) {
		for ctx.Err() == nil {
			if _, err := end(); err == nil {
				return
			}
		}
	}
	switch random.IntN(10) {
	case 0:
		again(func() (Outcome, error) { return c.Retry(ctx, run.ID, run.Payload, time.Millisecond) })
	case 1:
		again(func() (Outcome, error) { return c.Requeue(ctx, run.ID, 0) })
	case 2:
		again(func() (Outcome, error) { return Moved, c.Release(ctx, run.ID) })
	default:
		return []RunID{run.ID}
	}
	return nil
}
