// Command mailer is a worker with typed handlers, middleware and a stop in order, to
// be copied. See README.md beside it.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, log, address()); err != nil {
		log.Error("The mailer ended.", "error", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

func address() string {
	if addr := os.Getenv("REDIS_ADDR"); addr != "" {
		return addr
	}
	return "localhost:6379"
}

// run consumes until ctx is cancelled, and then finishes what it has begun.
func run(ctx context.Context, log *slog.Logger, addr string) error {
	// A push that is sent again would be doubled; the worker repeats what may be.
	rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, ReadTimeout: 5 * time.Second})
	mails, err := queue.New(rdb, "{mails}")
	if err != nil {
		return err
	}
	consumer, err := mails.NewConsumer(queue.ConsumerConfig{HandleTimeout: handleTimeout})
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Config{
		Store:         consumer,
		Keeper:        mails.NewKeeper(queue.KeeperConfig{}),
		Concurrency:   20,
		HandleTimeout: handleTimeout,
		Retry:         []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute},
		MaxAttempts:   5,
		Logger:        log,
		Listeners:     []worker.Listener{worker.NewJobLog(log, worker.JobLogFailures)},
	}, newMux(log, postman{log}))
	if err != nil {
		return err
	}
	return errors.Join(w.Run(ctx), rdb.Close())
}
