package main

import (
	"context"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// frozenWorkers has workers frozen for longer than it takes to be declared dead, in the middle of
// their runs: when they wake up, what they held belongs to others, and no word of theirs may count.
func frozenWorkers() faultCase {
	return faultCase{
		name:    "SIGSTOP of workers, redelivery",
		setting: setting{workers: 5, reload: true},
		play:    func(ctx context.Context, s *scene) error { return s.freezeWorkers(ctx) },
	}
}

// frozenWorkersParked is the same where what was held goes to timeout.
func frozenWorkersParked() faultCase {
	return faultCase{
		name:    "SIGSTOP of workers, parking",
		setting: setting{workers: 5, loss: queue.Park},
		play:    func(ctx context.Context, s *scene) error { return s.freezeWorkers(ctx) },
	}
}

// freezeWorkers freezes two workers for long, again and again, and others for an instant meanwhile.
func (s *scene) freezeWorkers(ctx context.Context) error {
	for ctx.Err() == nil {
		victims := []*member{s.one(), s.one()}
		err := s.fault(ctx,
			func(context.Context) error {
				for _, m := range victims {
					s.fleet.freeze(m)
				}
				return nil
			},
			func(lasting context.Context) error {
				s.freezeBriefly(lasting, longerThanDeath+s.between(0, 2*time.Second))
				for _, m := range victims {
					s.fleet.thaw(m)
				}
				return nil
			},
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// freezeBriefly freezes workers for less time than it takes to be declared dead, one after the other.
func (s *scene) freezeBriefly(ctx context.Context, length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		if m := s.one(); m != nil {
			s.fleet.freeze(m)
			s.pause(ctx, s.between(50*time.Millisecond, 1500*time.Millisecond))
			s.fleet.thaw(m)
			s.count()
		}
		s.pause(ctx, 100*time.Millisecond)
	}
}
