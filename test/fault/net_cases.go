package main

import (
	"context"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
)

// cutConnections closes all connections of the workers, again and again.
func cutConnections() faultCase {
	return faultCase{
		name:    "connections cut",
		setting: setting{reload: true},
		open:    openWires(1),
		play: func(ctx context.Context, s *scene) error {
			for s.goesOn(ctx, 0, 400*time.Millisecond) {
				err := s.fault(ctx,
					func(context.Context) error { s.lines[0].cut(); return nil },
					func(lasting context.Context) error {
						s.pause(lasting, s.between(0, 400*time.Millisecond))
						return s.lines[0].join()
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

// slowConnections have a latency that comes close to the deadlines of the clients.
func slowConnections() faultCase {
	return faultCase{
		name:    "latency",
		setting: setting{reload: true},
		open:    openWires(1),
		play: func(ctx context.Context, s *scene) error {
			for ctx.Err() == nil {
				delay := s.between(20*time.Millisecond, 1500*time.Millisecond).Milliseconds()
				err := s.fault(ctx,
					func(context.Context) error {
						return s.lines[0].poison("latency", "downstream", &toxics.LatencyToxic{Latency: delay, Jitter: delay / 2})
					},
					func(lasting context.Context) error {
						s.pause(lasting, s.between(time.Second, 3*time.Second))
						s.lines[0].cure(lasting)
						return nil
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

// halfOpen makes half of the workers' connections swallow everything, for longer than it takes to be
// declared dead: the others take over, and who was cut off comes back as somebody else.
func halfOpen() faultCase {
	return faultCase{
		name:    "half-open connections",
		setting: setting{reload: true},
		open:    openWires(2),
		play: func(ctx context.Context, s *scene) error {
			directions := [][]string{{"upstream"}, {"downstream"}, {"upstream", "downstream"}}
			for i := 0; ctx.Err() == nil; i++ {
				line := i % 2
				err := s.fault(ctx,
					func(context.Context) error {
						s.fleet.cut(s.behind(line)...)
						for _, direction := range directions[i%3] {
							if err := s.lines[line].poison("timeout", direction, &toxics.TimeoutToxic{}); err != nil {
								return err
							}
						}
						return nil
					},
					func(lasting context.Context) error {
						s.pause(lasting, longerThanDeath+s.between(0, 2*time.Second))
						s.lines[line].cure(lasting)
						return nil
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

// partialAnswers end in the middle, with the connection.
func partialAnswers() faultCase {
	return faultCase{
		name:    "partial answers",
		setting: setting{reload: true},
		open:    openWires(1),
		play: func(ctx context.Context, s *scene) error {
			for ctx.Err() == nil {
				most := int64(s.between(0, 3000)) // bytes
				err := s.fault(ctx,
					func(context.Context) error {
						return s.lines[0].poison("limit_data", "downstream", &toxics.LimitDataToxic{Bytes: most})
					},
					func(lasting context.Context) error {
						s.pause(lasting, s.between(100*time.Millisecond, time.Second))
						s.lines[0].cure(lasting)
						return nil
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
