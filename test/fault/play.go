package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/test/fault/ledger"
)

// The times of a play.
const (
	drainPatience = 25 * time.Second
	pollEvery     = 400 * time.Millisecond
	ghostPatience = 20 * time.Second
	warmUp        = 500 * time.Millisecond
)

// act plays a case: load, faults, recovery, judgement.
func act(ctx context.Context, c faultCase, dir string, length time.Duration, seed uint64, logger *log.Logger) row {
	began := time.Now()
	logger.Printf("%s: begins", c.name)
	r := row{Fault: c.name, Unjudged: c.unjudged}
	s, err := newScene(c, dir, seed, logger)
	if s != nil {
		defer s.close()
	}
	if err == nil {
		err = s.perform(ctx, c, length)
	}
	if err == nil {
		err = s.judge(&r)
	}
	if err != nil {
		r.Broken = append(r.Broken, "the play could not go on: "+err.Error())
	}
	r.Seconds = time.Since(began).Seconds()
	logger.Printf("%s: ends after %.0f s, %d broken", c.name, r.Seconds, len(r.Broken))
	return r
}

// perform puts the case under load, plays it, and lets everything come to rest.
func (s *scene) perform(ctx context.Context, c faultCase, length time.Duration) error {
	for place := range s.setting.workers {
		if err := s.fleet.start(place); err != nil {
			return err
		}
	}
	duties, rest := context.WithCancel(context.WithoutCancel(ctx))
	var polling, pushing sync.WaitGroup
	defer polling.Wait()
	defer rest()
	if s.setting.poller {
		polling.Go(func() { s.poll(duties) })
	}
	if s.setting.census {
		polling.Go(func() { s.census(duties) })
	}
	load, enough := context.WithCancel(ctx)
	defer pushing.Wait()
	defer enough()
	failures := make(chan error, 1)
	pushing.Go(func() { failures <- s.producer.run(load) })
	s.pause(ctx, warmUp)

	playing, end := context.WithTimeout(ctx, length)
	defer end()
	if err := c.play(playing, s); err != nil {
		return err
	}
	enough()
	if err := <-failures; err != nil {
		return err
	}
	if c.unjudged {
		return s.settle(ctx, 10*time.Second)
	}
	if err := s.settle(ctx, drainPatience); err != nil {
		return err
	}
	if err := s.fleet.stop(); err != nil {
		return err
	}
	return s.tidy(ctx)
}

// tidy tends the channel, as the operator's poller does where no worker lives, until nothing stands in
// the inboxes of those who have left.
func (s *scene) tidy(ctx context.Context) error {
	keeper := s.queue.NewKeeper(queue.KeeperConfig{Loss: s.setting.loss})
	for limit := time.Now().Add(ghostPatience); time.Now().Before(limit) && ctx.Err() == nil; {
		if _, err := keeper.Tend(ctx); err != nil {
			return fmt.Errorf("tending after the last worker left: %w", err)
		}
		now, err := look(ctx, s.rdb, s.channel)
		if err != nil || len(now.ours) == 0 {
			return err
		}
		s.pause(ctx, pollEvery)
	}
	return ctx.Err()
}

// poll is the operator's poller: it tends the channel where no worker lives to do it.
func (s *scene) poll(ctx context.Context) {
	keeper := s.queue.NewKeeper(queue.KeeperConfig{Loss: s.setting.loss})
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		_, _ = keeper.Tend(ctx) // Redis may be away: that is the play
	}
}

// census notes when workers were last registered in Redis.
func (s *scene) census(ctx context.Context) {
	s.lastSeen = map[string]time.Time{}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		beats, err := s.queue.Workers(ctx)
		if err != nil {
			continue
		}
		for _, beat := range beats {
			s.lastSeen[beat.ID] = time.Now()
		}
	}
}

// settle waits until nothing is to be done any more. In the setting of redelivery it reloads what
// timed out, as the CronJob does.
func (s *scene) settle(ctx context.Context, patience time.Duration) error {
	limit := time.Now().Add(patience)
	for ctx.Err() == nil {
		if s.setting.reload {
			_, _ = s.queue.Reload(ctx, queue.Timeout, queue.ReloadOptions{})
		}
		now, err := look(ctx, s.rdb, s.channel)
		switch {
		case err == nil && now.isSettled() && (!s.setting.reload || now.byState[queue.Timeout] == 0):
			return nil
		case time.Now().After(limit) && err != nil:
			return fmt.Errorf("looking at what stands: %w", err)
		case time.Now().After(limit):
			if s.setting.kind == "" {
				s.brokef("after %s without a fault there is still %s", patience, now)
				s.dump(ctx)
			}
			return nil
		}
		s.pause(ctx, 200*time.Millisecond)
	}
	return ctx.Err()
}

// dump tells the log what the workers' own keys hold.
func (s *scene) dump(ctx context.Context) {
	names, err := keysOf(ctx, s.rdb, s.channel)
	if err != nil {
		s.log.Printf("%s: listing the keys: %v", s.name, err)
	}
	for _, name := range names {
		if strings.Contains(name, ":hand:") {
			s.log.Printf("%s: %s = %v", s.name, name, s.rdb.HGetAll(ctx, name).Val())
		}
	}
}

// judge compares the book, the ledger and the keys.
func (s *scene) judge(r *row) error {
	s.fleet.close()
	entries, err := s.follower.read()
	if err != nil {
		return err
	}
	last, err := look(context.Background(), s.rdb, s.channel)
	if err != nil {
		return err
	}
	v := ledger.Check(s.facts(s.producer.book.Pushed(), entries, last))
	r.take(v)
	r.Times = s.times
	r.Slowest = max(s.slowest, v.Redelivery).Seconds()
	if r.Unjudged {
		r.Broken = nil
		return nil
	}
	if v.Redelivery > tolerance*redeliveryPromise {
		s.brokef("what a dead worker held was given back after %s", v.Redelivery)
	}
	if s.times == 0 {
		s.brokef("no fault was injected")
	}
	if v.Messages == 0 || v.Acked == 0 {
		s.brokef("nothing was consumed: %d pushed, %d acknowledged", v.Messages, v.Acked)
	}
	s.judgeEnd(last)
	r.Broken = append(r.Broken, s.fleet.crashed...)
	r.Broken = append(r.Broken, s.promises...)
	slices.Sort(r.Broken)
	return nil
}

// judgeEnd checks that nothing stands where it should not, once all is done and all workers have left.
func (s *scene) judgeEnd(last standing) {
	if len(last.ours) > 0 {
		s.brokef("keys of ours hold messages after the last worker left: %s", last)
	}
	if !s.setting.reload {
		return
	}
	for id, n := range last.copies {
		if !isHopeless(id) {
			s.brokef("%d of %s stand in the keys, though all was to be done in the end: %s", n, id, last)
			return
		}
	}
}
