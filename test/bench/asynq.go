package main

import (
	"context"
	"errors"
	"sync"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// peer is asynq's server as its documentation sets it up.
type peer struct{}

// producers is how many enqueue at once: asynq takes one task in a call.
const producers = 8

func (peer) produce(ctx context.Context, rdb *redis.Client, messages [][]byte) error {
	client := asynq.NewClientFromRedisClient(rdb)
	failures := make([]error, producers)
	var all sync.WaitGroup
	for p := range producers {
		all.Go(func() {
			for i := p; i < len(messages) && failures[p] == nil; i += producers {
				_, failures[p] = client.EnqueueContext(ctx, asynq.NewTask("bench", messages[i], asynq.MaxRetry(2)))
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

func (peer) consume(ctx context.Context, s setup, handle func([]byte)) error {
	server := asynq.NewServer(asynq.RedisClientOpt{Addr: s.Addr}, asynq.Config{Concurrency: s.Concurrency, LogLevel: asynq.FatalLevel})
	handler := asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		handle(task.Payload())
		return nil
	})
	if err := server.Start(handler); err != nil {
		return err
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

func (peer) left(_ context.Context, rdb *redis.Client) (int64, error) {
	queue, err := asynq.NewInspectorFromRedisClient(rdb).GetQueueInfo("default")
	if err != nil {
		return 0, err
	}
	return int64(queue.Size), nil
}
