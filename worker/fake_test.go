package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// errDown is what the fake answers while it is down.
var errDown = errors.New("connection refused")

// fakeStore is a Store in memory for tests of timing. The suite against a real
// Redis keeps it honest.
type fakeStore struct {
	mu      sync.Mutex
	cond    chan struct{} // closed and replaced when a message arrives
	waiting []string      // the first is taken first
	delayed []fakeDelayed
	hand    map[queue.RunID]string
	late    map[queue.RunID]bool
	timeout []string
	failed  []string
	acked   []string

	last       queue.RunID
	unanswered [][]queue.Run // claims whose answers were lost
	flying     int           // Exchange calls on the way
	mostFlying int
	known      bool
	down       bool // nothing is done, and every call fails
	mute       int  // so many Exchange calls are done but not answered
	calls      map[string]int
	loads      []queue.Load
	registered int
	stray      []string         // messages in the inbox that no Await tells of
	duty       queue.BeatResult // whether it is tender or deputy
	slow       time.Duration    // so long the answer of an Exchange takes
	left       bool
}

type fakeDelayed struct {
	payload string
	due     time.Time
}

func newFakeStore(payloads ...string) *fakeStore {
	return &fakeStore{
		cond:    make(chan struct{}),
		waiting: payloads,
		hand:    make(map[queue.RunID]string),
		late:    make(map[queue.RunID]bool),
		calls:   make(map[string]int),
		duty:    queue.BeatResult{Tender: true},
	}
}

// do runs f under the lock as one call, unless the store is down.
func (s *fakeStore) do(name string, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	if s.down {
		return fmt.Errorf("%s: %w", name, errDown)
	}
	return f()
}

// look runs f under the lock.
func (s *fakeStore) look(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *fakeStore) push(payloads ...string) {
	s.look(func() {
		s.waiting = append(s.waiting, payloads...)
		close(s.cond)
		s.cond = make(chan struct{})
	})
}

func (s *fakeStore) Register(context.Context) error {
	return s.do("register", func() error {
		s.sweep()
		s.known = true
		s.registered++
		return nil
	})
}

func (s *fakeStore) ID() string { return "b" }

func (s *fakeStore) Beat(_ context.Context, l queue.Load) (queue.BeatResult, error) {
	err := s.do("beat", func() error {
		if !s.known {
			return queue.ErrEvicted
		}
		s.loads = append(s.loads, l)
		return nil
	})
	got := queue.BeatResult{}
	s.look(func() {
		got = s.duty
		got.Inbox = len(s.stray) > 0
	})
	return got, err
}

func (s *fakeStore) Leave(context.Context) error {
	return s.do("leave", func() error {
		s.sweep()
		s.left = true
		return nil
	})
}

// sweep parks what is in hand. It is called under the lock.
func (s *fakeStore) sweep() {
	for _, id := range s.inHand() {
		if !s.late[id] {
			s.timeout = append(s.timeout, s.hand[id])
		}
		delete(s.hand, id)
		delete(s.late, id)
	}
	s.known = false
	s.unanswered = nil
}

func (s *fakeStore) inHand() []queue.RunID {
	var ids []queue.RunID
	for id := range s.hand {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (s *fakeStore) Exchange(_ context.Context, done []queue.RunID, want int) (queue.Exchanged, error) {
	var got queue.Exchanged
	var lost []queue.Run
	life := 0
	err := s.do("exchange", func() error {
		s.flying++
		s.mostFlying = max(s.mostFlying, s.flying)
		life = s.registered
		if !s.known {
			return queue.ErrEvicted
		}
		for _, id := range done {
			s.acknowledge(id, &got)
		}
		got.Runs = s.claim(want)
		if s.mute > 0 {
			s.mute--
			lost, got = got.Runs, queue.Exchanged{}
			return errors.New("read: i/o timeout")
		}
		return nil
	})
	var slow time.Duration
	s.look(func() { slow = s.slow })
	time.Sleep(slow)
	s.look(func() {
		if !errors.Is(err, errDown) {
			s.flying--
		}
		if len(lost) > 0 && s.known && life == s.registered {
			s.unanswered = append(s.unanswered, lost)
		}
	})
	return got, err
}

func (s *fakeStore) acknowledge(id queue.RunID, got *queue.Exchanged) {
	payload, held := s.hand[id]
	switch {
	case !held:
		got.Lost = append(got.Lost, id)
		return
	case s.late[id]:
		got.Late = append(got.Late, id)
	default:
		s.acked = append(s.acked, payload)
	}
	delete(s.hand, id)
	delete(s.late, id)
}

func (s *fakeStore) claim(want int) []queue.Run {
	if len(s.unanswered) > 0 {
		again := s.unanswered[0]
		s.unanswered = s.unanswered[1:]
		return again
	}
	var runs []queue.Run
	s.moveDue()
	if want > 0 {
		s.waiting, s.stray = append(s.stray, s.waiting...), nil
	}
	for len(runs) < want && len(s.waiting) > 0 {
		s.last++
		s.hand[s.last] = s.waiting[0]
		runs = append(runs, queue.Run{ID: s.last, Payload: []byte(s.waiting[0])})
		s.waiting = s.waiting[1:]
	}
	return runs
}

func (s *fakeStore) moveDue() {
	slices.SortStableFunc(s.delayed, func(a, b fakeDelayed) int { return a.due.Compare(b.due) })
	s.delayed = slices.DeleteFunc(s.delayed, func(d fakeDelayed) bool {
		if d.due.After(time.Now()) {
			return false
		}
		s.waiting = append(s.waiting, d.payload)
		return true
	})
}

// Await polls under the fake clock of synctest.
func (s *fakeStore) Await(ctx context.Context, limit time.Duration) (bool, error) {
	err := s.do("await", func() error { return nil })
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for err == nil {
		var arrived chan struct{}
		s.look(func() {
			s.moveDue()
			if len(s.waiting) == 0 {
				arrived = s.cond
			}
		})
		if arrived == nil {
			return true, nil
		}
		select {
		case <-arrived:
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return false, err
}

// settle ends a run; to puts its message where it is to go, unless it was late.
func (s *fakeStore) settle(name string, id queue.RunID, to func(payload string)) (queue.Outcome, error) {
	outcome := queue.Moved
	err := s.do(name, func() error {
		payload, held := s.hand[id]
		switch {
		case !held:
			outcome = queue.WasLost
			return nil
		case s.late[id]:
			outcome = queue.WasLate
		default:
			to(payload)
		}
		delete(s.hand, id)
		delete(s.late, id)
		return nil
	})
	return outcome, err
}

func (s *fakeStore) Retry(_ context.Context, id queue.RunID, payload []byte, delay time.Duration) (queue.Outcome, error) {
	return s.settle("retry", id, func(string) {
		s.delayed = append(s.delayed, fakeDelayed{string(payload), time.Now().Add(delay)})
	})
}

func (s *fakeStore) Requeue(_ context.Context, id queue.RunID, delay time.Duration) (queue.Outcome, error) {
	return s.settle("requeue", id, func(payload string) {
		s.delayed = append(s.delayed, fakeDelayed{payload, time.Now().Add(delay)})
	})
}

func (s *fakeStore) Fail(_ context.Context, id queue.RunID, _ string) (queue.Outcome, error) {
	return s.settle("fail", id, func(payload string) { s.failed = append(s.failed, payload) })
}

func (s *fakeStore) Expire(_ context.Context, id queue.RunID) (queue.Outcome, error) {
	outcome := queue.Moved
	err := s.do("expire", func() error {
		payload, held := s.hand[id]
		switch {
		case !held:
			outcome = queue.WasLost
		case s.late[id]:
			outcome = queue.WasLate
		default:
			s.late[id] = true
			s.timeout = append(s.timeout, payload)
		}
		return nil
	})
	return outcome, err
}

func (s *fakeStore) Hold(_ context.Context, id queue.RunID) (queue.Outcome, error) {
	outcome := queue.Moved
	err := s.do("hold", func() error {
		if _, held := s.hand[id]; !held {
			outcome = queue.WasLost
		} else if s.late[id] {
			outcome = queue.WasLate
		}
		return nil
	})
	return outcome, err
}

func (s *fakeStore) Withdraw(_ context.Context, id queue.RunID) (queue.Outcome, error) {
	outcome := queue.Moved
	err := s.do("withdraw", func() error {
		payload, held := s.hand[id]
		if !held {
			outcome = queue.WasLost
			return nil
		}
		if s.late[id] {
			at := slices.Index(s.timeout, payload)
			if at < 0 {
				outcome = queue.WasLate
			} else {
				s.timeout = slices.Delete(s.timeout, at, at+1)
			}
		}
		delete(s.hand, id)
		delete(s.late, id)
		return nil
	})
	return outcome, err
}

func (s *fakeStore) Release(_ context.Context, ids ...queue.RunID) error {
	return s.do("release", func() error {
		for _, id := range ids {
			if payload, held := s.hand[id]; held {
				s.waiting = append([]string{payload}, s.waiting...)
				delete(s.hand, id)
			}
		}
		return nil
	})
}
