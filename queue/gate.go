package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// DefaultIntakePrefix is the prefix of the keys of Hyperf's cache.
const DefaultIntakePrefix = "c:"

// IntakeClosed is the value of a closed gate: false, as PHP serialises it into its cache. Any other
// value, and none, leaves the gate open.
const IntakeClosed = "b:0;"

// GateTTL is how long a gate that the operator closes stays so when nobody renews it.
const GateTTL = 10 * time.Minute

// IntakeKey returns the key of the intake gate of a queue, by the name under which the PHP application
// knows the queue.
func IntakeKey(prefix, queue string) string { return prefix + "IS_PUSH_" + queue }

// Gate is the intake gate: a key that producers look at before they push, outside of the channel's
// own keys, since PHP chose its name. On Redis Cluster it may stand on another node. It holds no
// state besides the client, and is safe for concurrent use.
type Gate struct {
	rdb redis.Cmdable
	key string
}

// NewGate returns the gate with a key: the prefix of PHP's cache and the name that safePush asks
// for, such as c:IS_PUSH_orders (IntakeKey makes it). rdb may be a client, or a pipeline for Close and
// Open, whose errors then come from running it.
func NewGate(rdb redis.Cmdable, key string) Gate { return Gate{rdb: rdb, key: key} }

// Key returns the gate's key.
func (g Gate) Key() string { return g.key }

// Close makes producers refuse, for so long or until Open. It may be repeated, to renew the time;
// 0 is for ever.
func (g Gate) Close(ctx context.Context, ttl time.Duration) error {
	if err := g.rdb.Set(ctx, g.key, IntakeClosed, ttl).Err(); err != nil {
		return fmt.Errorf("closing gate %s: %w", g.key, err)
	}
	return nil
}

// Open removes the key, whatever stands there. It may be repeated.
func (g Gate) Open(ctx context.Context) error {
	if err := g.rdb.Del(ctx, g.key).Err(); err != nil {
		return fmt.Errorf("opening gate %s: %w", g.key, err)
	}
	return nil
}

// IsOpen reports whether producers may push: always but where the key holds IntakeClosed. An error
// means that the gate could not be read; who honours it should then not push: Redis does not answer, or
// the key is not for this user to read, or no text.
func (g Gate) IsOpen(ctx context.Context) (bool, error) {
	value, err := g.rdb.Get(ctx, g.key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("reading intake gate %s: %w", g.key, err)
	}
	return value != IntakeClosed, nil
}
