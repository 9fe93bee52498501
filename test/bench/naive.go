package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// naive does to Redis what Hyperf's driver does for each message (BRPOP, ZADD, ZREM), in one loop
// per slot. It leaves out Hyperf's two looks for what is due before each pop.
type naive struct{}

func (naive) produce(ctx context.Context, rdb *redis.Client, messages [][]byte) error {
	return pushAll(ctx, rdb, messages)
}

func (n naive) consume(ctx context.Context, s setup, handle func([]byte)) error {
	rdb := connect(s.Addr, s.Concurrency+1)
	defer func() { _ = rdb.Close() }()
	failures := make([]error, s.Concurrency)
	var slots sync.WaitGroup
	for i := range failures {
		slots.Go(func() {
			for ctx.Err() == nil && failures[i] == nil {
				failures[i] = n.one(rdb, handle)
			}
		})
	}
	slots.Wait()
	return errors.Join(failures...)
}

// one takes and handles one message, if there is one within a second.
func (naive) one(rdb *redis.Client, handle func([]byte)) error {
	ctx := context.Background()
	got, err := rdb.BRPop(ctx, time.Second, channel+":waiting").Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	deadline := float64(time.Now().Add(10 * time.Second).Unix())
	if err := rdb.ZAdd(ctx, channel+":reserved", redis.Z{Score: deadline, Member: got[1]}).Err(); err != nil {
		return err
	}
	handle([]byte(got[1]))
	return rdb.ZRem(ctx, channel+":reserved", got[1]).Err()
}

func (naive) left(ctx context.Context, rdb *redis.Client) (int64, error) { return standing(ctx, rdb) }
