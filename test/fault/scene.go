package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/test/fault/crew"
	"github.com/asyncqueue/operator/test/fault/ledger"
)

// The promises about recovery. A run fails only beyond four times their length.
const (
	flowPromise       = 5 * time.Second  // consumes again after a fault
	redeliveryPromise = 10 * time.Second // a dead worker's messages
	tolerance         = 4
)

// scene is one case being played.
type scene struct {
	name    string
	dir     string
	channel string
	random  *rand.Rand
	setting setting
	log     *log.Logger

	server    *redistest.Server      // where there is one
	url       string                 // how producer and poller reach Redis
	workerURL func(place int) string // how workers reach it; nil: by url
	rdb       redis.UniversalClient  // to look at Redis
	queue     *queue.Queue
	lines     []*wire // between Redis and the workers, where there are any
	fleet     *fleet
	producer  *producer
	follower  *follower

	lastSeen map[string]time.Time // of workers in Redis, by name; see census

	cleanups []func()

	mu       sync.Mutex
	times    int // faults injected
	spans    []ledger.Span
	slowest  time.Duration
	promises []string // that were broken
}

func newScene(c faultCase, dir string, seed uint64, logger *log.Logger) (*scene, error) {
	s := &scene{
		name: c.name, dir: dir, channel: "{fault}", setting: c.setting, log: logger,
		random: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // chance is not security
	}
	s.setting.setDefaults()
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o750)); err != nil { // an earlier run may have left its ledger
		return nil, fmt.Errorf("making the folder of the case: %w", err)
	}
	open := c.open
	if open == nil {
		open = openServer
	}
	if err := open(s); err != nil {
		s.close()
		return nil, fmt.Errorf("opening the scene: %w", err)
	}
	return s, s.connect(seed)
}

// connect makes what talks to the Redis that was opened.
func (s *scene) connect(seed uint64) error {
	var err error
	if s.rdb, err = redisconn.New(redisconn.Config{URL: s.url, Role: "fault"}); err != nil {
		return err
	}
	s.cleanup(func() { _ = s.rdb.Close() })
	if s.queue, err = queue.New(s.rdb, s.channel); err != nil {
		return err
	}
	s.follower = &follower{name: filepath.Join(s.dir, "ledger.jsonl")}
	s.fleet = newFleet(s.dir, s.order)
	s.cleanup(s.fleet.abandon)
	m := &mix{random: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // chance is not security
	if s.setting.late {
		m.late = s.setting.handle + 500*time.Millisecond
	}
	trace, err := os.Create(filepath.Join(s.dir, "pushes.log"))
	if err != nil {
		return fmt.Errorf("tracing the pushes: %w", err)
	}
	s.cleanup(func() { _ = trace.Close() })
	s.producer = &producer{queue: s.queue, mix: m, rate: s.setting.rate, trace: log.New(trace, "", log.Ltime|log.Lmicroseconds)}
	return nil
}

// openServer starts one Redis without persistence.
func openServer(s *scene) error { return s.launch() }

// openDurableServer starts one Redis that writes to its log before it answers.
func openDurableServer(s *scene) error {
	return s.launch("--appendonly", "yes", "--appendfsync", "always")
}

func (s *scene) launch(args ...string) error {
	server, err := s.launchWith(redistest.Options{Args: args}, "redis")
	if err != nil {
		return err
	}
	s.server, s.url = server, "redis://"+server.Addr
	return nil
}

// launchWith starts a server in a folder of its own, which ends with the scene.
func (s *scene) launchWith(o redistest.Options, name string) (*redistest.Server, error) {
	o.Dir = filepath.Join(s.dir, name)
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of Redis: %w", err)
	}
	server, err := redistest.LaunchWith(o)
	if err != nil {
		return nil, err
	}
	s.cleanup(server.Stop)
	return server, nil
}

func (s *scene) order(place int) crew.Order {
	url := s.url
	if s.workerURL != nil {
		url = s.workerURL(place)
	}
	return crew.Order{
		Kind: s.setting.kind, Redis: url, Channel: s.channel, Name: fmt.Sprintf("w%d", place), Ledger: s.follower.name,
		Concurrency: s.setting.concurrency, Handle: s.setting.handle, Retry: s.setting.retry,
		Loss: s.setting.loss, Mortality: s.setting.mortality,
	}
}

// cleanup has f called at the end of the scene, the last one first.
func (s *scene) cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scene) close() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
	s.cleanups = nil
}

// brokef notes a broken promise.
func (s *scene) brokef(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	s.promises = append(s.promises, text)
	s.log.Printf("%s: BROKEN: %s", s.name, text)
}

// count notes that a fault was injected.
func (s *scene) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times++
}

// fault injects a fault, undoes it, and waits until everybody consumes again. The two get a context
// that outlasts the play: a fault that was begun is undone.
func (s *scene) fault(ctx context.Context, inject, undo func(lasting context.Context) error) error {
	lasting := context.WithoutCancel(ctx)
	span := ledger.Span{From: time.Now()}
	if err := inject(lasting); err != nil {
		return err
	}
	s.count()
	if err := undo(lasting); err != nil {
		return err
	}
	span.To = time.Now()
	s.mu.Lock()
	s.spans = append(s.spans, span)
	s.mu.Unlock()
	return s.awaitFlow(ctx, span.To)
}

// nothing is the half of a fault that has nothing to do.
func nothing(context.Context) error { return nil }

// awaitFlow waits until every worker that lives has claimed a message after the moment. It outlasts
// ctx, which ends the injecting only.
func (s *scene) awaitFlow(ctx context.Context, after time.Time) error {
	limit := time.Now().Add(tolerance * flowPromise)
	pids := s.fleet.alive()
	for {
		entries, err := s.follower.read()
		if err != nil {
			return err
		}
		slowest, missing := ledger.Recovery(entries, after, stillThere(pids, s.fleet.alive()))
		if len(missing) == 0 {
			s.mu.Lock()
			s.slowest = max(s.slowest, slowest)
			s.mu.Unlock()
			return nil
		}
		if time.Now().After(limit) {
			s.brokef("%d of %d workers have not consumed within %s", len(missing), len(pids), tolerance*flowPromise)
			return nil
		}
		s.pause(context.WithoutCancel(ctx), 50*time.Millisecond)
	}
}

// stillThere returns those of the processes that are among the living.
func stillThere(pids, living []int) []int {
	alive := make(map[int]bool, len(living))
	for _, pid := range living {
		alive[pid] = true
	}
	var both []int
	for _, pid := range pids {
		if alive[pid] {
			both = append(both, pid)
		}
	}
	return both
}

// pause lets time pass, less of it where ctx is done.
func (s *scene) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// goesOn lets a random time pass and says whether the play is still on then.
func (s *scene) goesOn(ctx context.Context, least, most time.Duration) bool {
	s.pause(ctx, s.between(least, most))
	return ctx.Err() == nil
}

// between returns a random duration.
func (s *scene) between(least, most time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return least + time.Duration(s.random.Int64N(int64(most-least)+1))
}

// one returns a random member of the fleet that lives.
func (s *scene) one() *member {
	members := s.fleet.pick(func(m *member) bool { return !m.frozen && !m.asked && !m.isOver() })
	if len(members) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return members[s.random.IntN(len(members))]
}

// await waits until a condition holds.
func (s *scene) await(ctx context.Context, what string, patience time.Duration, condition func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !condition(ctx) {
		if ctx.Err() != nil {
			return fmt.Errorf("awaiting %s: not within %s", what, patience)
		}
		s.pause(ctx, 50*time.Millisecond)
	}
	return nil
}
