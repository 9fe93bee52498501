package poll

import (
	"context"
	"errors"
	"fmt"
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

func (c *redisConn) Look(ctx context.Context, queues map[types.NamespacedName]Target) (map[types.NamespacedName]Result, error) {
	if err := c.update(queues); err != nil {
		return nil, err
	}
	keys := make([]types.NamespacedName, 0, len(c.keepers))
	keepers := make([]*queue.Keeper, 0, len(c.keepers))
	for key, k := range c.keepers {
		keys = append(keys, key)
		keepers = append(keepers, k.Keeper)
	}
	results := make(map[types.NamespacedName]Result, len(keys))
	var faults []error
	for i, tended := range queue.TendAll(ctx, c.client, keepers) {
		results[keys[i]] = Result{Look: lookOf(tended.Tended), Err: tended.Err}
		if tended.Err != nil && refusal(tended.Err) == "" {
			faults = append(faults, tended.Err)
		}
	}
	// Redis answered none of them: it is Redis, not a queue.
	if len(faults) > 0 && len(faults) == len(keys) {
		return nil, faults[0]
	}
	c.gates.set(ctx, c.client, queues, time.Now())
	for key, r := range results {
		r.Look.Gate = c.gates.known[key].sight
		results[key] = r
	}
	return results, nil
}

// update makes keepers for new queues and drops those of queues that went.
func (c *redisConn) update(queues map[types.NamespacedName]Target) error {
	for key := range c.keepers {
		if _, ok := queues[key]; !ok {
			delete(c.keepers, key)
		}
	}
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
		InHand:  max(running, t.Reserved-t.Foreign),
		Foreign: t.Foreign,
	}
}

// dueIn is how long the poller has until it must move a message that no worker
// will move; at least a millisecond where there is one.
func dueIn(t queue.Tended) time.Duration {
	if len(t.Beats) > 0 || t.NextDue.IsZero() {
		return 0
	}
	return max(t.NextDue.Sub(t.Now), time.Millisecond)
}

func (c *redisConn) Ping(ctx context.Context) error { return c.client.Ping(ctx).Err() }

func (c *redisConn) Close() error { return c.client.Close() }
