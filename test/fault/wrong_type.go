package main

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// occupied are the keys that a foreign value is put into, one after the other.
var occupied = []string{
	"delayed", "reserved", "timeout", "failed", "late", "beside", "equal", "redelivered", "workers", "waiting", "tokens", "tender",
}

// wrongType puts a value of a wrong type where a key of the channel belongs, as a careless hand would,
// and takes it away again. What stood there meanwhile is kept aside.
func wrongType() faultCase {
	return faultCase{
		name:    "a key of a wrong type",
		setting: setting{reload: true, poller: true},
		play: func(ctx context.Context, s *scene) error {
			for i := 0; ctx.Err() == nil; i++ {
				key := s.channel + ":" + occupied[i%len(occupied)]
				err := s.fault(ctx,
					func(lasting context.Context) error { return s.occupy(lasting, key) },
					func(lasting context.Context) error {
						s.pause(lasting, s.between(100*time.Millisecond, 700*time.Millisecond))
						return s.vacate(lasting, key)
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

// occupy puts a foreign value into a key, and what stood there aside, in one step.
func (s *scene) occupy(ctx context.Context, key string) error {
	return s.swap(ctx, `
		if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
		if string.find(KEYS[1], 'tokens$') or string.find(KEYS[1], 'tender$') then
			redis.call('RPUSH', KEYS[1], 'foreign')
		else
			redis.call('SET', KEYS[1], 'foreign')
		end
		return 1`, key)
}

// vacate puts back what stood in a key.
func (s *scene) vacate(ctx context.Context, key string) error {
	return s.swap(ctx, `
		redis.call('DEL', KEYS[1])
		if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end
		return 1`, key)
}

func (s *scene) swap(ctx context.Context, script, key string) error {
	if err := redis.NewScript(script).Run(ctx, s.rdb, []string{key, s.channel + ":aside"}).Err(); err != nil {
		return fmt.Errorf("changing the type of %s: %w", key, err)
	}
	return nil
}
