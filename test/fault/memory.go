package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// fullRedis has Redis over maxmemory, where it refuses whatever grows: pushes are refused, but
// consuming makes room. Workers are killed and stopped meanwhile, so that new ones have to start.
func fullRedis() faultCase {
	return faultCase{
		name:    "Redis out of memory",
		setting: setting{reload: true, poller: true},
		play: func(ctx context.Context, s *scene) error {
			for s.goesOn(ctx, 0, 500*time.Millisecond) {
				err := s.fault(ctx,
					func(lasting context.Context) error { return s.fill(lasting) },
					func(lasting context.Context) error {
						if err := s.replaceWorkers(lasting); err != nil {
							return err
						}
						return s.limitMemory(lasting, 0)
					},
				)
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// fill takes all memory that is not in use, and checks that nothing can be pushed.
func (s *scene) fill(ctx context.Context) error {
	text, err := s.rdb.Info(ctx, "memory").Result()
	if err != nil {
		return fmt.Errorf("asking for the memory in use: %w", err)
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	used, err := strconv.ParseInt(strings.TrimSpace(rest[:strings.IndexByte(rest, '\n')]), 10, 64)
	if err != nil {
		return fmt.Errorf("reading the memory in use: %w", err)
	}
	return s.limitMemory(ctx, used/2)
}

func (s *scene) limitMemory(ctx context.Context, bytes int64) error {
	if err := s.rdb.ConfigSet(ctx, "maxmemory", strconv.FormatInt(bytes, 10)).Err(); err != nil {
		return fmt.Errorf("limiting the memory: %w", err)
	}
	return nil
}

// replaceWorkers kills a worker and has another one leave in order, and waits until new ones are at
// work in their places.
func (s *scene) replaceWorkers(ctx context.Context) error {
	s.pause(ctx, s.between(300*time.Millisecond, time.Second))
	if m := s.one(); m != nil {
		s.fleet.kill(m)
	}
	m := s.one()
	if m == nil {
		return nil
	}
	if err := s.fleet.leave(m); err != nil {
		return err
	}
	if err := s.fleet.start(m.place); err != nil {
		return err
	}
	pids := s.fleet.alive()
	return s.await(ctx, "new workers to register while Redis is full", tolerance*flowPromise, func(context.Context) bool {
		return s.haveJoined(pids)
	})
}

// haveJoined says whether each of the processes that still live has registered.
func (s *scene) haveJoined(pids []int) bool {
	entries, err := s.follower.read()
	if err != nil {
		return false
	}
	joined := map[int]bool{}
	for _, e := range entries {
		joined[e.Pid] = true
	}
	for _, pid := range stillThere(pids, s.fleet.alive()) {
		if !joined[pid] {
			return false
		}
	}
	return true
}
