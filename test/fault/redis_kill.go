package main

import (
	"context"
	"time"
)

// killedRedis has a Redis killed and started again that writes each command to its log before it
// answers.
func killedRedis() faultCase {
	return faultCase{
		name:    "kill -9 of Redis, AOF always",
		setting: setting{reload: true},
		open:    openDurableServer,
		play: func(ctx context.Context, s *scene) error {
			for s.goesOn(ctx, 0, time.Second) {
				err := s.fault(ctx,
					func(context.Context) error { s.server.Stop(); return nil }, // by SIGKILL
					func(lasting context.Context) error {
						s.pause(lasting, s.between(0, 1500*time.Millisecond))
						return s.server.Restart()
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
