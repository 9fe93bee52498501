package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/storetest"
)

var _ storetest.Store = worker.Store(nil)

func TestMain(m *testing.M) { redistest.Main(m) }

var channels atomic.Int64

func TestRedis(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Site {
		place := redistest.SharedPlace(t)
		rdb, err := redisconn.New(redisconn.Config{
			URL: place.URL, Username: place.Username, Password: place.Password, Timeout: 10 * time.Second,
			TLS: redisconn.TLS{Enabled: place.CAFile != "", CAFile: place.CAFile},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = rdb.Close() })
		cut := &answerCut{}
		rdb.AddHook(cut)
		q, err := queue.New(rdb, fmt.Sprintf("{store-%d}", channels.Add(1)))
		if err != nil {
			t.Fatal(err)
		}
		consumer, err := q.NewConsumer(queue.ConsumerConfig{HandleTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		keeper := q.NewKeeper(queue.KeeperConfig{})
		return storetest.Site{
			Store: consumer,
			Push: func(payloads ...string) {
				for _, p := range payloads {
					if err := q.Push(t.Context(), []byte(p)); err != nil {
						t.Error(err)
					}
				}
			},
			Look: func() storetest.Standing { return standing(t, rdb, q.Channel()) },
			Tend: func() error { _, err := keeper.Tend(t.Context()); return err },

			LoseAnswer: func() { cut.armed.Store(true) },
		}
	})
}

func standing(t *testing.T, rdb redis.UniversalClient, channel string) storetest.Standing {
	t.Helper()
	list := func(state queue.State) []string {
		entries, err := rdb.LRange(t.Context(), channel+":"+string(state), 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(entries)
		return entries
	}
	delayed, err := rdb.ZRange(t.Context(), channel+":delayed", 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Standing{Waiting: list(queue.Waiting), Delayed: delayed, Timeout: list(queue.Timeout), Failed: list(queue.Failed)}
}

// answerCut is a client hook that loses the answer to the next command.
type answerCut struct{ armed atomic.Bool }

var errCut = errors.New("connection cut by the test")

// DialHook passes on.
func (c *answerCut) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook loses the answer if armed. That a script is not known yet is no answer.
func (c *answerCut) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if redis.HasErrorPrefix(err, "NOSCRIPT") || !c.armed.CompareAndSwap(true, false) {
			return err
		}
		cmd.SetErr(errCut)
		return errCut
	}
}

// ProcessPipelineHook passes on.
func (c *answerCut) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return next(ctx, cmds) }
}
