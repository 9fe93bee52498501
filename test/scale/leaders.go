package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// promisedTakeover is how long nobody may act after the leader was killed,
	// promisedHandover after it was told to stop.
	promisedTakeover, promisedHandover = 20 * time.Second, 2 * time.Second
)

// leaders kills the leader in the middle of a burst, and stops the next one.
func (s *stage) leaders(ctx context.Context) error {
	killed, shrunk, err := s.change(ctx, syscall.SIGKILL)
	if err != nil {
		return err
	}
	stopped, alsoShrunk, err := s.change(ctx, syscall.SIGTERM)
	if err != nil {
		return err
	}
	all := slices.Concat(shrunk, alsoShrunk)
	s.results.within("leader killed in the middle of a burst: to all replicas", killed, promisedTakeover)
	s.results.within("leader told to stop in the middle of a burst: to all replicas", stopped, promisedHandover)
	s.results.promise("  scale-ins in both", "", float64(len(all)), 0)
	s.results.detail(strings.Join(all, ", "))
	now, most, err := s.manager.memory()
	if err != nil {
		return err
	}
	s.results.promise("memory of the last leader (RSS)", "MiB", now, promisedMemory)
	s.results.say("  at most", "MiB", most)
	return nil
}

// change gives half of a burst to some queues, ends the leader with a signal,
// gives the rest, and tells how long that took to be answered by the manager that
// stood by.
func (s *stage) change(ctx context.Context, signal syscall.Signal) (took time.Duration, shrunk []string, err error) {
	queues, err := s.scaling(ctx, s.bursts)
	if err != nil {
		return 0, nil, err
	}
	next, err := s.start(ctx)
	if err != nil {
		return 0, nil, err
	}
	if err := s.push(ctx, backlog/10, queues...); err != nil {
		return 0, nil, err
	}
	if err := await(ctx, patience, "half of the workers", func() bool {
		for _, q := range queues {
			if s.tracker.replicas(q) != most/2 {
				return false
			}
		}
		return true
	}); err != nil {
		return 0, nil, err
	}
	s.tracker.forgetShrunk()
	began := time.Now()
	s.manager.end(signal)
	if err := s.push(ctx, backlog, queues...); err != nil {
		return 0, nil, err
	}
	s.manager = next
	if err := await(ctx, patience, "the next leader to act", func() bool { return s.tracker.haveAll(queues) }); err != nil {
		return 0, nil, fmt.Errorf("%w\n%s", err, next.lastLines())
	}
	took = time.Since(began)
	if err := s.settled(ctx); err != nil {
		return 0, nil, err
	}
	return took, s.tracker.shrunkOf(queues), nil
}
