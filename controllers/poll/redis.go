package poll

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/queue"
)

// Connect opens a connection to a Redis. The server is not asked anything yet.
func Connect(r Redis) (Conn, error) {
	config := r.Config
	config.Role = "poller"
	config.PoolSize = 2
	client, err := redisconn.New(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to Redis at %s: %w", r.Address, err)
	}
	return &redisConn{client: client, keepers: map[types.NamespacedName]keeper{}, gates: gates{redis: r, known: map[types.NamespacedName]gateState{}}}, nil
}

// redisConn keeps the queues of one Redis. What a keeper remembers between looks
// is how it finds dead workers, so each is kept while its queue is.
type redisConn struct {
	client  redis.UniversalClient
	keepers map[types.NamespacedName]keeper
	gates   gates
}

type keeper struct {
	target Target
	*queue.Keeper
}

func (c *redisConn) Look(ctx context.Context, queues map[types.NamespacedName]Target, all bool) (map[types.NamespacedName]Result, error) {
	if all {
		keepOnly(c.keepers, queues)
		keepOnly(c.gates.known, queues)
	}
	if err := c.update(queues); err != nil {
		return nil, err
	}
	results, err := c.tend(ctx, slices.Collect(maps.Keys(queues)))
	if err != nil {
		return nil, err
	}
	c.gates.set(ctx, c.client, queues, time.Now())
	for key, r := range results {
		r.Look.Gate = c.gates.known[key].sight
		results[key] = r
	}
	return results, nil
}

func (c *redisConn) Mind(ctx context.Context, queues []types.NamespacedName) (looks map[types.NamespacedName]Result, dueIn map[types.NamespacedName]time.Duration, err error) {
	var faults []error
	var due []types.NamespacedName
	dueIn = make(map[types.NamespacedName]time.Duration, len(queues))
	for i, found := range queue.DueIn(ctx, c.client, c.keepersOf(queues)) {
		switch key := queues[i]; {
		case found.Err != nil:
			if refusal(found.Err) == "" {
				faults = append(faults, found.Err)
			}
		case found.In <= 0:
			due = append(due, key)
		case found.In == queue.Never:
			dueIn[key] = 0
		default:
			dueIn[key] = found.In
		}
	}
	if len(faults) > 0 && len(faults) == len(queues) {
		return nil, nil, faults[0]
	}
	if looks, err = c.tend(ctx, due); err != nil {
		return nil, nil, err
	}
	for key, r := range looks {
		r.Look.Gate = c.gates.known[key].sight
		looks[key] = r
	}
	return looks, dueIn, nil
}

// tend looks at queues that have keepers. The error is of the whole Redis.
func (c *redisConn) tend(ctx context.Context, keys []types.NamespacedName) (map[types.NamespacedName]Result, error) {
	results := make(map[types.NamespacedName]Result, len(keys))
	var faults []error
	for i, tended := range queue.TendAll(ctx, c.client, c.keepersOf(keys)) {
		results[keys[i]] = Result{Look: lookOf(tended.Tended), Err: tended.Err}
		if tended.Err != nil && refusal(tended.Err) == "" {
			faults = append(faults, tended.Err)
		}
	}
	// Redis answered none of them: it is Redis, not a queue.
	if len(faults) > 0 && len(faults) == len(keys) {
		return nil, faults[0]
	}
	return results, nil
}

func (c *redisConn) keepersOf(keys []types.NamespacedName) []*queue.Keeper {
	keepers := make([]*queue.Keeper, 0, len(keys))
	for _, key := range keys {
		keepers = append(keepers, c.keepers[key].Keeper)
	}
	return keepers
}

// keepOnly drops what belongs to queues that went.
func keepOnly[V any](known map[types.NamespacedName]V, queues map[types.NamespacedName]Target) {
	maps.DeleteFunc(known, func(key types.NamespacedName, _ V) bool {
		_, ok := queues[key]
		return !ok
	})
}

// update makes keepers for new queues and for those that are to be tended otherwise.
func (c *redisConn) update(queues map[types.NamespacedName]Target) error {
	var errs []error
	for key, target := range queues {
		if k, ok := c.keepers[key]; ok && k.target.sameWork(target) {
			continue
		}
		q, err := queue.New(c.client, target.Channel)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		config := queue.KeeperConfig{Loss: queue.Park, MaxReloads: target.MaxReloads, Ahead: target.Ahead}
		if target.Age {
			config.Peek = longestPeek
		}
		if target.Redeliver {
			config.Loss = queue.Redeliver
		}
		c.keepers[key] = keeper{target: target, Keeper: q.NewKeeper(config)}
	}
	return errors.Join(errs...)
}

// lookOf takes what a decision needs from what a keeper saw. Workers tell what
// they have in hand every 2 s; what they reserved is exact, but lacks late runs.
func lookOf(t queue.Tended) Look {
	running := int64(0)
	var owners []string
	var workers []Worker
	for _, b := range t.Beats {
		running += int64(b.Load.Running)
		workers = append(workers, Worker{ID: b.ID, Pod: b.Pod, Running: b.Load.Running, Done: b.Load.Done})
		if b.Owner != "" {
			owners = append(owners, b.Owner)
		}
	}
	slices.Sort(owners)
	return Look{
		Owners:  slices.Compact(owners),
		Workers: workers,
		Age:     ageOf(t.Next, t.Now),
		Backlog: Backlog{Waiting: t.Waiting, Delayed: t.Delayed, Reserved: t.Reserved, Timeout: t.Timeout, Failed: t.Failed},
		Due:     t.Due,
		DueIn:   dueIn(t),
		Tenders: t.Tenders,
		InHand:  max(running, t.Reserved-t.Foreign),
		Foreign: t.Foreign,
	}
}

// dueIn is at least a millisecond where a message is delayed.
func dueIn(t queue.Tended) time.Duration {
	if t.NextDue.IsZero() {
		return 0
	}
	return max(t.NextDue.Sub(t.Now), time.Millisecond)
}

func (c *redisConn) Ping(ctx context.Context) error { return c.client.Ping(ctx).Err() }

func (c *redisConn) Close() error { return c.client.Close() }
