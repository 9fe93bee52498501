package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// promisedBurst is how long a burst may wait for the Deployment's replicas.
	promisedBurst = 2 * time.Second
	// promisedWrites is how many writes of status a second there may be however
	// busy the queues are.
	promisedWrites = 200
	// patience is how long anything may take before a phase is given up.
	patience = 2 * time.Minute
)

// burst pushes to one queue after another.
func (s *stage) burst(ctx context.Context) error {
	queues, err := s.scaling(ctx, s.bursts)
	if err != nil {
		return err
	}
	times, err := s.burstTimes(ctx, queues)
	if err != nil {
		return err
	}
	s.results.within("burst of 500 on one queue to 10 replicas, median", median(times), promisedBurst)
	s.results.within("  slowest", longest(times), promisedBurst)
	return nil
}

// burstTimes is how long each queue waits, one after the other, for all its
// workers to be asked for.
func (s *stage) burstTimes(ctx context.Context, queues []types.NamespacedName) ([]time.Duration, error) {
	var times []time.Duration
	for _, q := range queues {
		began := time.Now()
		if err := s.push(ctx, backlog, q); err != nil {
			return nil, err
		}
		if err := await(ctx, patience, "replicas of "+q.String(), func() bool { return s.tracker.replicas(q) == most }); err != nil {
			return nil, fmt.Errorf("%w: there are %d\n%s", err, s.tracker.replicas(q), s.manager.lastLines())
		}
		times = append(times, time.Since(began))
	}
	return times, nil
}

func longest(times []time.Duration) time.Duration {
	most := time.Duration(0)
	for _, t := range times {
		most = max(most, t)
	}
	return most
}

// busyPhase changes the backlog of every queue every second. It grows all at once,
// and goes up and down from then on.
func (s *stage) busyPhase(ctx context.Context) error {
	began := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	onset := s.busy / 2
	var steady time.Time
	for time.Since(began) < onset+s.busy {
		if steady.IsZero() && time.Since(began) > onset {
			steady = time.Now()
		}
		if err := s.stir(ctx); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	mean, worst := s.tracker.statusWrites(steady)
	s.results.promise("every queue busy: status writes per second, mean", "/s", mean, promisedWrites)
	s.results.promise("  worst second", "/s", float64(worst), promisedWrites)
	_, onsetWorst := s.tracker.statusWrites(began)
	s.results.say("  worst second, with all queues filling at once", "/s", float64(onsetWorst))
	return s.empty(ctx)
}

// stir gives every queue another backlog of about 150 messages.
func (s *stage) stir(ctx context.Context) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n := range s.size {
			key := channelOf(nameOf(n)) + ":waiting"
			messages := make([]any, 1+rand.IntN(40)) //nolint:gosec // any number will do
			for i := range messages {
				messages[i] = "message"
			}
			p.LPush(ctx, key, messages...)
			p.LTrim(ctx, key, 0, 150+rand.Int64N(50)) //nolint:gosec // any number will do
		}
		return nil
	})
	return err
}

// empty empties all queues and waits until those that scale are at zero.
func (s *stage) empty(ctx context.Context) error {
	if err := s.rdb.FlushDB(ctx).Err(); err != nil {
		return err
	}
	return await(ctx, patience+s.busy, "the queues to go to zero", func() bool {
		for n := range s.size {
			if scales(n) && s.tracker.replicas(nameOf(n)) > 0 {
				return false
			}
		}
		return true
	})
}
