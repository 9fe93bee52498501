package worker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

// duePromise is how late a due message may be moved.
const duePromise = 500 * time.Millisecond

// delays are messages that fall due while something happens. What is due is taken by an idle worker at
// once, so that the time at which a run begins, by the clock of Redis, is when the message was moved.
type delays struct {
	t   *testing.T
	rdb *redis.Client

	mu    sync.Mutex
	due   map[string]time.Time
	began map[string]time.Time
}

func (d *delays) now(ctx context.Context) time.Time {
	now, err := d.rdb.Time(ctx).Result()
	if err != nil {
		d.t.Error(err)
	}
	return now
}

func (d *delays) push(channel string, delay time.Duration) {
	d.t.Helper()
	due := d.now(d.t.Context()).Add(delay)
	d.mu.Lock()
	name := fmt.Sprintf("m%d", len(d.due))
	d.due[name] = due
	d.mu.Unlock()
	entry := redis.Z{Score: float64(due.UnixMicro()) / 1e6, Member: message(name, name)}
	if err := d.rdb.ZAdd(d.t.Context(), channel+":delayed", entry).Err(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *delays) handle(ctx context.Context, j *Job) error {
	now := d.now(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began[j.Type] = now
	return nil
}

// lateness waits until all have begun and returns how late, sorted.
func (d *delays) lateness() []time.Duration {
	d.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		d.mu.Lock()
		began := len(d.began)
		d.mu.Unlock()
		if began == len(d.due) {
			break
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("%d of %d messages began", began, len(d.due))
		}
		time.Sleep(5 * time.Millisecond)
	}
	late := make([]time.Duration, 0, len(d.due))
	for name, due := range d.due {
		late = append(late, d.began[name].Sub(due))
	}
	slices.Sort(late)
	return late
}

// The tender dies without a word, and then the one that took its place. Whatever falls due meanwhile is
// moved in time, no matter when it was pushed and who knew of it.
func TestWhatFallsDueWhileTheTenderIsDead(t *testing.T) {
	t.Parallel()
	const channel = "{due}"
	addr := redistest.Start(t)
	newClient := func() *redis.Client {
		rdb := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DisableIdentity: true})
		t.Cleanup(func() { _ = rdb.Close() })
		return rdb
	}
	d := &delays{t: t, rdb: newClient(), due: map[string]time.Time{}, began: map[string]time.Time{}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	kill := map[string]func(){} // cuts a worker off, by its name
	for i := range 4 {
		rdb := newClient()
		q, err := queue.New(rdb, channel)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("w%d", i)
		consumer, err := q.NewConsumer(queue.ConsumerConfig{ID: name})
		if err != nil {
			t.Fatal(err)
		}
		w, err := New(Config{Store: consumer, Keeper: q.NewKeeper(queue.KeeperConfig{}), Drain: time.Second, Logger: slog.New(slog.DiscardHandler)}, HandlerFunc(d.handle))
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = w.Run(ctx) })   // it returns nil
		kill[name] = func() { _ = rdb.Close() } // nothing that it says reaches Redis any more
	}
	var late []time.Duration
	for range 2 {
		tender := awaitDuties(t, d.rdb, channel)
		for i := range 7 { // these are known before; none is due so soon that it is taken by the one that dies
			d.push(channel, time.Duration(i+1)*400*time.Millisecond)
		}
		kill[tender]()
		for began := time.Now(); time.Since(began) < 6*time.Second; time.Sleep(110 * time.Millisecond) {
			d.push(channel, 50*time.Millisecond)
		}
		late = d.lateness()
	}
	n := len(late)
	t.Logf("%d messages: late by %v at the median, %v at most", n, late[n/2].Round(time.Millisecond), late[n-1].Round(time.Millisecond))
	if late[0] < 0 {
		t.Errorf("a message began %v before it was due", -late[0])
	}
	if late[n-1] > 4*duePromise {
		t.Errorf("a message began %v after it was due, want %v", late[n-1], duePromise)
	}
}

// awaitDuties waits until a channel has a tender and a deputy, and returns the name of the former.
func awaitDuties(t *testing.T, rdb *redis.Client, channel string) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		now := fmt.Sprint(time.Now().Add(time.Second).Unix())
		living := redis.ZRangeArgs{Key: channel + ":tender", Start: now, Stop: "+inf", ByScore: true}
		holders, err := rdb.ZRangeArgs(t.Context(), living).Result()
		if err == nil && len(holders) == 2 {
			name, _, _ := strings.Cut(slices.Min(holders), ".")
			return name
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v look after the channel, %v", holders, err)
		}
	}
}
