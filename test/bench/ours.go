package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/command"
)

// ours is the worker as it is shipped, with its whole command line: fencing, decoding, events,
// metrics, beats, tending, `--job-log failures`.
type ours struct{}

func (ours) produce(ctx context.Context, rdb *redis.Client, messages [][]byte) error {
	return pushAll(ctx, rdb, messages)
}

func (ours) consume(ctx context.Context, s setup, handle func([]byte)) error {
	handler := worker.HandlerFunc(func(_ context.Context, job *worker.Job) error {
		handle(job.Message.Raw())
		return nil
	})
	args := []string{
		"worker", "run", "--redis=redis://" + s.Addr, "--channel=" + channel, "--concurrency=" + strconv.Itoa(s.Concurrency),
		"--job-log=failures", "--listen=127.0.0.1:0",
	}
	streams := command.IO{Out: os.Stderr, Err: os.Stderr, LookupEnv: func(string) (string, bool) { return "", false }}
	if status := command.Execute(ctx, handler, args, streams); status != 0 {
		return fmt.Errorf("the worker ended with status %d", status)
	}
	return nil
}

func (ours) left(ctx context.Context, rdb *redis.Client) (int64, error) {
	q, err := queue.New(rdb, channel)
	if err != nil {
		return 0, err
	}
	c, err := q.Counts(ctx, 0)
	return c.Waiting + c.Delayed + c.Reserved + c.Timeout + c.Failed, err
}
