package main

import (
	"context"
	"time"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/test/fault/crew"
)

// mortality makes about as many workers die by their own hand, at the moments between Redis and the
// handler, as die by the killer's.
const mortality = 0.0005

// killedWorkers has workers killed at random instants. All messages are redelivered.
func killedWorkers() faultCase {
	return faultCase{
		name:    "SIGKILL of workers, redelivery",
		setting: setting{workers: 8, poller: true, census: true, reload: true, mortality: mortality},
		play:    func(ctx context.Context, s *scene) error { return s.killWorkers(ctx, 80*time.Millisecond) },
	}
}

// killedWorkersParked is the same where what dead workers held is not to run again by itself.
func killedWorkersParked() faultCase {
	return faultCase{
		name: "SIGKILL of workers, parking",
		setting: setting{
			workers: 6, poller: true, census: true, mortality: mortality, loss: queue.Park, late: true, handle: 2 * time.Second,
		},
		play: func(ctx context.Context, s *scene) error { return s.killWorkers(ctx, 200*time.Millisecond) },
	}
}

// naiveConsumers do as Hyperf's driver does, under the same kills. It shows that the suite can find
// losses.
func naiveConsumers() faultCase {
	return faultCase{
		name:     "Hyperf's way, for comparison",
		setting:  setting{kind: crew.Naive, workers: 6, mortality: mortality, handle: 2 * time.Second},
		play:     func(ctx context.Context, s *scene) error { return s.killWorkers(ctx, 100*time.Millisecond) },
		unjudged: true,
	}
}

// killWorkers kills one worker after the other, with a mean time in between.
func (s *scene) killWorkers(ctx context.Context, mean time.Duration) error {
	for s.goesOn(ctx, 0, 2*mean) {
		if m := s.one(); m != nil {
			s.fleet.kill(m)
		}
	}
	s.mu.Lock()
	s.times = len(s.fleet.deaths())
	s.mu.Unlock()
	return nil
}
