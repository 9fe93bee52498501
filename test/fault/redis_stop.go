package main

import (
	"context"
	"syscall"
	"time"
)

// longerThanDeath is longer than the 8 s without a beat after which a worker is taken for dead.
const longerThanDeath = 10 * time.Second

// frozenRedis has Redis frozen, for an instant and for so long that nobody could beat: that must not
// get anybody declared dead.
func frozenRedis() faultCase {
	return faultCase{
		name:    "SIGSTOP of Redis",
		setting: setting{reload: true, poller: true},
		play: func(ctx context.Context, s *scene) error {
			for pause := longerThanDeath; ctx.Err() == nil; pause = s.between(100*time.Millisecond, 4*time.Second) {
				err := s.fault(ctx,
					func(context.Context) error { return s.server.Signal(syscall.SIGSTOP) },
					func(lasting context.Context) error {
						s.pause(lasting, pause)
						return s.server.Signal(syscall.SIGCONT)
					},
				)
				if err != nil {
					return err
				}
				s.pause(ctx, s.between(0, time.Second))
			}
			return nil
		},
	}
}
