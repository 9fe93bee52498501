package crew

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/test/fault/ledger"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

// store is a worker's store that writes down what Redis confirmed.
type store struct {
	worker.Store
	books  *ledger.Writer
	mortal *mortal

	mu   sync.Mutex
	name string // of this life
	gone bool   // this life has ended
	runs map[queue.RunID]claim
}

// claim is what is known of a run in hand.
type claim struct {
	life, id string
	attempt  int
}

func newStore(of worker.Store, books *ledger.Writer, m *mortal) *store {
	return &store{Store: of, books: books, mortal: m, runs: map[queue.RunID]claim{}}
}

// life returns the worker's name in Redis; after its death the last one.
func (s *store) life() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

// write notes something about a run. A ledger that cannot be written makes all that this process
// does worthless.
func (s *store) write(entries ...ledger.Entry) {
	if len(entries) == 0 {
		return
	}
	if err := s.books.Write(entries...); err != nil {
		panic(err)
	}
}

func (s *store) entry(what ledger.What, run queue.RunID) ledger.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.runs[run]
	return ledger.Entry{Life: c.life, What: what, ID: c.id, Attempt: c.attempt, Run: uint64(run)}
}

// noteEviction writes down, once, that Redis does not know the worker any more.
func (s *store) noteEviction(err error) {
	if !errors.Is(err, queue.ErrEvicted) {
		return
	}
	s.mu.Lock()
	first := !s.gone && s.name != ""
	s.gone = true
	s.mu.Unlock()
	if first {
		s.write(ledger.Entry{Life: s.life(), What: ledger.Evicted})
	}
}

// Register begins a life.
func (s *store) Register(ctx context.Context) error {
	if err := s.Store.Register(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.name, s.gone = s.ID(), false
	s.mu.Unlock()
	s.write(ledger.Entry{Life: s.life(), What: ledger.Joined})
	return nil
}

// Leave ends a life. That other calls then find it ended is no eviction.
func (s *store) Leave(ctx context.Context) error {
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	if err := s.Store.Leave(ctx); err != nil {
		return err
	}
	s.write(ledger.Entry{Life: s.life(), What: ledger.Left})
	return nil
}

// Beat passes on.
func (s *store) Beat(ctx context.Context, load queue.Load) (queue.BeatResult, error) {
	got, err := s.Store.Beat(ctx, load)
	s.noteEviction(err)
	return got, err
}

// Await passes on.
func (s *store) Await(ctx context.Context, limit time.Duration) (bool, error) {
	found, err := s.Store.Await(ctx, limit)
	s.noteEviction(err)
	return found, err
}

// Exchange writes down what was acknowledged and what was claimed.
func (s *store) Exchange(ctx context.Context, done []queue.RunID, want int) (queue.Exchanged, error) {
	got, err := s.Store.Exchange(ctx, done, want)
	s.noteEviction(err)
	if err != nil {
		return got, err
	}
	entries := make([]ledger.Entry, 0, len(done)+len(got.Runs))
	for _, id := range done {
		what := ledger.Acked
		switch {
		case slices.Contains(got.Lost, id):
			what = ledger.Lost
		case slices.Contains(got.Late, id):
			what = ledger.Late
		}
		entries = append(entries, s.entry(what, id))
	}
	for _, run := range got.Runs {
		s.note(run)
		entries = append(entries, s.entry(ledger.Claimed, run.ID))
	}
	s.write(entries...)
	s.mortal.moment()
	return got, nil
}

// note remembers a claimed run.
func (s *store) note(run queue.Run) {
	c := claim{life: s.life(), id: "undecodable"}
	if m, err := payload.Decode(run.Payload); err == nil {
		c.id, c.attempt = m.ID(), m.Attempts()+1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[run.ID] = c
}

// Retry writes down how it ended.
func (s *store) Retry(ctx context.Context, id queue.RunID, body []byte, delay time.Duration) (queue.Outcome, error) {
	s.mortal.moment()
	outcome, err := s.Store.Retry(ctx, id, body, delay)
	return s.ended(id, ledger.Retried, outcome, err)
}

// Requeue writes down how it ended.
func (s *store) Requeue(ctx context.Context, id queue.RunID, delay time.Duration) (queue.Outcome, error) {
	outcome, err := s.Store.Requeue(ctx, id, delay)
	return s.ended(id, ledger.Released, outcome, err)
}

// Fail writes down how it ended.
func (s *store) Fail(ctx context.Context, id queue.RunID, reason string) (queue.Outcome, error) {
	s.mortal.moment()
	outcome, err := s.Store.Fail(ctx, id, reason)
	return s.ended(id, ledger.Failed, outcome, err)
}

// Expire writes down that the message stands in timeout.
func (s *store) Expire(ctx context.Context, id queue.RunID) (queue.Outcome, error) {
	outcome, err := s.Store.Expire(ctx, id)
	if err == nil && outcome != queue.WasLost {
		s.write(s.entry(ledger.Expired, id))
	}
	return outcome, err
}

// Release writes down what went back.
func (s *store) Release(ctx context.Context, ids ...queue.RunID) error {
	if err := s.Store.Release(ctx, ids...); err != nil {
		return err
	}
	for _, id := range ids {
		s.write(s.entry(ledger.Released, id))
	}
	return nil
}

// ended writes down the confirmed end of a run.
func (s *store) ended(id queue.RunID, moved ledger.What, outcome queue.Outcome, err error) (queue.Outcome, error) {
	if err != nil {
		return outcome, err
	}
	switch outcome {
	case queue.Moved:
		s.write(s.entry(moved, id))
	case queue.WasLate:
		s.write(s.entry(ledger.Late, id))
	case queue.WasLost:
		s.write(s.entry(ledger.Lost, id))
	}
	return outcome, nil
}
