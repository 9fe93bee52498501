package worker

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

var calls = regexp.MustCompile(`cmdstat_(eval|evalsha|blmove):calls=(\d+)`)

// sentCommands returns how many commands clients have sent that workers send. What scripts call
// themselves has other names.
func sentCommands(t *testing.T, rdb *redis.Client) int {
	t.Helper()
	info, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, match := range calls.FindAllStringSubmatch(info, -1) {
		n, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// Fifty idle workers cost Redis one command a second each and four for the channel, to which the
// operator's poller adds one, and one push is handled once.
func TestIdleWorkersKeepToTheirBudget(t *testing.T) {
	t.Parallel()
	const workers, window = 50, 10 * time.Second
	rdb := redis.NewClient(&redis.Options{Addr: redistest.Start(t), MaxRetries: -1, DisableIdentity: true, PoolSize: 3 * workers})
	t.Cleanup(func() { _ = rdb.Close() })
	q, err := queue.New(rdb, "{idle}")
	if err != nil {
		t.Fatal(err)
	}
	handled := make(chan struct{}, workers)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range workers {
		consumer, err := q.NewConsumer(queue.ConsumerConfig{ID: fmt.Sprintf("w%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		w, err := New(Config{Store: consumer, Keeper: q.NewKeeper(queue.KeeperConfig{}), Logger: slog.New(slog.DiscardHandler)},
			HandlerFunc(func(context.Context, *Job) error { handled <- struct{}{}; return nil }))
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = w.Run(ctx) }) // it returns nil
	}
	defer running.Wait()
	defer stop()
	awaitBlocked(t, rdb, workers)

	before, began := sentCommands(t, rdb), time.Now()
	<-time.After(window) // what is measured is what happens while nothing happens
	sent, seconds := sentCommands(t, rdb)-before, time.Since(began).Seconds()
	edges := float64(2 * workers) // a block and a beat of each may fall into the window once more
	t.Logf("%d commands in %.1f s: %.2f a second for each of %d workers", sent, seconds, float64(sent)/seconds/workers, workers)
	if budget := (workers+4)*seconds + edges; float64(sent) > budget {
		t.Errorf("%d commands in %.1f s, want at most %.0f", sent, seconds, budget)
	}
	pushAll(t, q, message("job", "m"))
	select {
	case <-handled:
	case <-time.After(20 * time.Second):
		t.Error("the message was not handled")
	}
}

// awaitBlocked waits until so many workers wait for a message.
func awaitBlocked(t *testing.T, rdb *redis.Client, workers int) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		list, err := rdb.ClientList(t.Context()).Result()
		if err == nil && strings.Count(list, "cmd=blmove") >= workers {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not all workers wait: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
