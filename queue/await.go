package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// longestBlock is how long Redis may hold a waiting consumer, whatever it asks for: a dead
// worker's inbox is looked at again after this.
const longestBlock = 2 * time.Second

// staleAfter is the silence after which a worker may have been taken for dead, so that it has to
// ask before it takes a message.
const staleAfter = 6 * time.Second

// oomPause is how long Await waits where Redis, over maxmemory, refuses to move a message.
const oomPause = 200 * time.Millisecond

// Await blocks until a message stands in the worker's inbox, at most for longest and never longer than
// 2 s. True means: call Exchange. One push wakes one of many waiting workers.
//
// After an error a message may stand in the inbox all the same, so that the next call has to be an
// Exchange. The client must have room for one connection that is blocked all the time, and a read
// timeout above 2 s. When ctx ends, Await returns at once; a message that comes afterwards is found
// by the next Exchange, or given back by Leave.
func (c *Consumer) Await(ctx context.Context, longest time.Duration) (bool, error) {
	id, err := c.life()
	if err != nil {
		return false, fmt.Errorf("awaiting: %w", err)
	}
	if c.isStale(time.Now()) {
		return true, nil
	}
	answers := make(chan error, 1)
	c.mu.Lock()
	c.blocks[id]++
	c.mu.Unlock()
	go func() { answers <- c.block(context.WithoutCancel(ctx), id, min(longest, longestBlock)) }()
	select {
	case err = <-answers:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	switch {
	case err == nil:
		c.touched()
		return true, nil
	case errors.Is(err, redis.Nil):
		c.touched()
		return false, nil
	case redis.IsOOMError(err):
		return true, pause(ctx, oomPause)
	default:
		c.suspicious.Store(true)
		return false, fmt.Errorf("awaiting as worker %s: %w", id, err)
	}
}

func (c *Consumer) block(ctx context.Context, id string, longest time.Duration) error {
	defer c.unblock(id)
	seconds := strconv.FormatFloat(clampBlock(longest).Seconds(), 'f', 3, 64)
	ctx, cancel := context.WithTimeout(ctx, clampBlock(longest)+time.Second)
	defer cancel()
	keys := c.queue.keys
	return c.queue.rdb.Process(ctx, sentOnce{redis.NewCmd(ctx, "blmove", keys.waiting, keys.inbox(id), "right", "left", seconds)})
}

// unblock notes that a block has ended. A life that is over has no Exchange any more that would find
// what came by it, so that it goes back at once.
func (c *Consumer) unblock(id string) {
	if c.ID() != id {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.emptyInbox(ctx, id) // the tending looks into the inbox a few seconds later
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocks[id]--; c.blocks[id] == 0 {
		delete(c.blocks, id)
	}
	close(c.unblocked)
	c.unblocked = make(chan struct{})
}

// emptyInbox gives back what stands in the inbox of a life that is over, which any exchange of it does.
func (c *Consumer) emptyInbox(ctx context.Context, id string) error {
	nothing := []any{id, 0, 0, 0, 0, 0, 0, 0, 0, 0} // to claim, and to acknowledge
	_, err := runList(ctx, c.queue.rdb, scriptExchange, c.queue.keys.worker(id), nothing...)
	return err
}

// awaitBlocks waits until nothing blocks in Redis for a life, but not beyond ctx.
func (c *Consumer) awaitBlocks(ctx context.Context, id string) {
	for {
		c.mu.Lock()
		blocks, changed := c.blocks[id], c.unblocked
		c.mu.Unlock()
		if blocks == 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// clampBlock keeps the block above zero, which Redis reads as for ever.
func clampBlock(d time.Duration) time.Duration { return max(d, 10*time.Millisecond) }

// isStale reports whether Redis has been silent for so long, by either clock, that the worker may
// have been taken for dead: a frozen process that wakes up must not take a message first.
func (c *Consumer) isStale(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Sub(c.contact) > staleAfter || now.Round(0).Sub(c.contact.Round(0)) > staleAfter
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
