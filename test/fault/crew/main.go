package crew

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/test/fault/ledger"
	"github.com/asyncqueue/operator/worker"
)

// drain is how long handlers may go on after SIGTERM.
const drain = 15 * time.Second

// Main is the worker process that the environment orders. It returns its exit status.
func Main(text string) int {
	order, err := ParseOrder(text)
	if err == nil {
		err = order.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	return 0
}

func (o Order) run() error {
	books, err := ledger.Open(o.Ledger)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	switch o.Kind {
	case Command:
		return o.runCommand(ctx, books)
	case Naive:
		return o.runNaive(ctx, books)
	case Library:
	}
	return o.runLibrary(ctx, books)
}

// runLibrary wires a worker as package worker/command does, with a ledger in between.
func (o Order) runLibrary(ctx context.Context, books *ledger.Writer) error {
	death := &mortal{chance: o.Mortality}
	rdb, err := redisconn.New(redisconn.Config{URL: o.Redis, Role: "worker", PoolSize: 4 + o.Concurrency})
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	if o.Mortality > 0 {
		rdb.AddHook(death)
	}
	q, err := queue.New(rdb, o.Channel)
	if err != nil {
		return err
	}
	consumer, err := q.NewConsumer(queue.ConsumerConfig{
		ID: o.Name, Pod: o.Name, HandleTimeout: o.Handle, Loss: o.Loss, MaxReloads: o.MaxReloads,
	})
	if err != nil {
		return err
	}
	s := newStore(consumer, books, death)
	w, err := worker.New(worker.Config{
		Store:         s,
		Keeper:        q.NewKeeper(queue.KeeperConfig{Loss: o.Loss, MaxReloads: o.MaxReloads}),
		Concurrency:   o.Concurrency,
		HandleTimeout: o.Handle,
		Retry:         []time.Duration{o.Retry},
		Drain:         drain,
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}, &handler{books: books, life: s.life, mortal: death})
	if err != nil {
		return err
	}
	return w.Run(ctx)
}
