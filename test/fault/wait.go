package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/queue"
)

// replicaPatience is how long a push waits until a replica has it.
const replicaPatience = 500 * time.Millisecond

// pipeliner is a client of one node.
type pipeliner interface{ Pipeline() redis.Pipeliner }

// pushWaited pushes and has a replica confirm it, over one connection: only such a push counts where
// a fail-over may come. Until then its outcome is unknown.
func (s *scene) pushWaited(ctx context.Context, node pipeliner, p parcel) error {
	pipe := node.Pipeline()
	var pushed *redis.IntCmd
	if p.delay > 0 {
		due := float64(time.Now().Add(p.delay).UnixMilli()) / 1000
		pushed = pipe.ZAdd(ctx, s.channel+":"+string(queue.Delayed), redis.Z{Score: due, Member: p.body})
	} else {
		bodies := make([]any, p.copies)
		for i := range bodies {
			bodies[i] = p.body
		}
		pushed = pipe.LPush(ctx, s.channel+":"+string(queue.Waiting), bodies...)
	}
	replicas := pipe.Do(ctx, "wait", 1, replicaPatience.Milliseconds())
	_, err := pipe.Exec(ctx)
	count, _ := replicas.Int64()
	var answer redis.Error
	var op *net.OpError
	switch {
	case err == nil && count >= 1:
		return nil
	case pushed.Err() != nil && errors.As(pushed.Err(), &answer), errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("pushing: %w", err)
	case err == nil:
		return fmt.Errorf("pushing: %w: no replica has it", queue.ErrUnknownOutcome)
	}
	return fmt.Errorf("pushing: %w: %w", queue.ErrUnknownOutcome, err)
}
