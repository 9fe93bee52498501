package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// DefaultIntakePrefix is the prefix of the keys of Hyperf's cache.
const DefaultIntakePrefix = "c:"

// IntakeClosed is the value of a closed gate: false, as PHP serialises it into its cache. Any other
// value, and none, leaves the gate open.
const IntakeClosed = "b:0;"

// IntakeKey returns the key of the intake gate of a queue, by the name under which the PHP application
// knows the queue.
func IntakeKey(prefix, queue string) string { return prefix + "IS_PUSH_" + queue }

// IsIntakeOpen reads an intake gate. An error means that it could not be read; who honours the gate should
// then not push: Redis does not answer, or the key is not for this user to read, or no text.
func (q *Queue) IsIntakeOpen(ctx context.Context, key string) (bool, error) {
	value, err := q.rdb.Get(ctx, key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("reading intake gate %s: %w", key, err)
	}
	return value != IntakeClosed, nil
}
