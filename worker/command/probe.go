package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/queue"
)

// probeInterval is the time between two attempts to probe Redis.
const probeInterval = time.Second

// probe carries out every move once, so that a user of Redis who may not do all
// that a worker needs is found out at the start. Only that ends the worker:
// everything else may pass, and is waited for, except for a full memory, which
// waits for workers.
func probe(ctx context.Context, rdb redis.UniversalClient, q *queue.Queue, log *slog.Logger) error {
	for warned := false; ; warned = true {
		err := rdb.Ping(ctx).Err() // it says more clearly than others what is wrong with credentials
		if err == nil {
			err = q.Probe(ctx)
		}
		if err == nil || ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop: nothing is held yet
		}
		if redis.IsOOMError(err) {
			log.Warn("Redis is over maxmemory and could not be probed; consuming makes room.", "error", err)
			return nil
		}
		if isRefusal(err) {
			return fmt.Errorf("Redis refuses what a worker needs: %w", err)
		}
		if !warned {
			log.Warn("Redis cannot be used yet; trying again until it can.", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(probeInterval):
		}
	}
}

// isRefusal says whether Redis answered, with an error that a person has to mend.
// Credentials do not count: their files are read again for each connection.
func isRefusal(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer) && !redisconn.IsTransient(err) && !redis.IsAuthError(err)
}
