package crew

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/test/fault/ledger"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

// naive consumes as Hyperf's driver does, for comparison: a message is taken first and put into
// `reserved` by the next command, and two equal ones are one there.
type naive struct {
	Order
	rdb     redis.UniversalClient
	books   *ledger.Writer
	handler *handler
	runs    atomic.Uint64
}

func (o Order) runNaive(ctx context.Context, books *ledger.Writer) error {
	rdb, err := redisconn.New(redisconn.Config{URL: o.Redis, Role: "naive", PoolSize: 2 * o.Concurrency})
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	death := &mortal{chance: o.Mortality}
	if o.Mortality > 0 {
		rdb.AddHook(death)
	}
	n := &naive{Order: o, rdb: rdb, books: books}
	n.handler = &handler{books: books, life: func() string { return o.Name }, mortal: death}
	if err := books.Write(ledger.Entry{Life: o.Name, What: ledger.Joined}); err != nil {
		return err
	}
	var slots sync.WaitGroup
	for range o.Concurrency {
		slots.Go(func() {
			for ctx.Err() == nil {
				n.turn(ctx)
			}
		})
	}
	slots.Wait()
	return nil
}

// turn moves what is due and what is overdue, takes a message, runs it and acknowledges it.
func (n *naive) turn(ctx context.Context) {
	n.move("delayed", "waiting")
	n.move("reserved", "timeout")
	got, err := n.rdb.BRPop(ctx, time.Second, n.Channel+":waiting").Result()
	if err != nil {
		return
	}
	body, work := got[1], context.WithoutCancel(ctx)
	n.rdb.ZAdd(work, n.Channel+":reserved", redis.Z{Score: float64(time.Now().Add(n.Handle).Unix()), Member: body})
	m, err := payload.Decode([]byte(body))
	if err != nil {
		return
	}
	job := &worker.Job{ID: m.ID(), Type: m.Type(), Attempt: m.Attempts() + 1, Message: m}
	err = n.handler.Handle(work, job)
	removed := n.rdb.ZRem(work, n.Channel+":reserved", body).Val()
	most, _ := m.MaxAttempts()
	switch {
	case err == nil:
		entry := ledger.Entry{Life: n.Name, What: ledger.Claimed, ID: job.ID, Attempt: job.Attempt, Run: n.runs.Add(1)}
		acked := entry
		acked.What = ledger.Acked
		_ = n.books.Write(entry, acked)
	case m.Attempts() < most:
		n.rdb.ZAdd(work, n.Channel+":delayed", redis.Z{Score: float64(time.Now().Add(n.Retry).Unix()), Member: string(m.Retry())})
	case removed > 0:
		n.rdb.LPush(work, n.Channel+":failed", body)
	}
}

// move puts what is due at the head of a list, command by command.
func (n *naive) move(from, to string) {
	ctx := context.Background()
	due := n.rdb.ZRevRangeByScore(ctx, n.Channel+":"+from, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(time.Now().Unix(), 10), Count: 100,
	}).Val()
	for _, body := range due {
		if n.rdb.ZRem(ctx, n.Channel+":"+from, body).Val() > 0 {
			n.rdb.LPush(ctx, n.Channel+":"+to, body)
		}
	}
}
