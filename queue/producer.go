package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Durable makes a push wait until replicas of Redis have it too, so that a fail-over cannot undo it.
type Durable struct {
	// Replicas is how many must confirm. Default 0: the push does not wait.
	Replicas int
	// Timeout bounds the wait. Default 1 s.
	Timeout time.Duration
}

// ProducerConfig says under which conditions a Producer pushes. The zero value is Queue.Push itself.
type ProducerConfig struct {
	// IntakeKey is the key of the gate that PHP's producers look at (IntakeKey makes it): while it is
	// closed, nothing is pushed and the error is ErrIntakeClosed. Default: no gate is looked at.
	IntakeKey string
	// Durable makes each push wait for replicas. Default: it does not.
	Durable Durable
}

// Producer pushes messages under conditions. It holds no state besides the client, and is safe for
// concurrent use.
type Producer struct {
	queue *Queue
	cfg   ProducerConfig
}

// NewProducer returns a producer of the queue. Durable needs a *redis.Client (one for sentinels too) or
// a *redis.ClusterClient.
func (q *Queue) NewProducer(cfg ProducerConfig) (*Producer, error) {
	if cfg.Durable.Replicas < 0 || cfg.Durable.Timeout < 0 {
		return nil, errors.New("creating producer: Durable: want no negative number")
	}
	if cfg.Durable.Timeout == 0 {
		cfg.Durable.Timeout = time.Second
	}
	switch q.rdb.(type) {
	case *redis.Client, *redis.ClusterClient:
	default:
		if cfg.Durable.Replicas > 0 {
			return nil, fmt.Errorf("creating producer: Durable: want a *redis.Client or *redis.ClusterClient, not %T", q.rdb)
		}
	}
	return &Producer{queue: q, cfg: cfg}, nil
}

// Push is Queue.Push under the producer's conditions. After ErrIntakeClosed, or any other error that is
// neither ErrUnknownOutcome nor ErrNotReplicated, nothing was pushed.
func (p *Producer) Push(ctx context.Context, payloads ...[]byte) error {
	return p.send(ctx, func(to processor) error { return p.queue.push(ctx, to, payloads) })
}

// PushDelayed is Queue.PushDelayed under the producer's conditions, with the errors of Push.
func (p *Producer) PushDelayed(ctx context.Context, delay time.Duration, payloads ...[]byte) (added int, err error) {
	err = p.send(ctx, func(to processor) (err error) {
		added, err = p.queue.pushDelayed(ctx, to, delay, payloads)
		return err
	})
	return added, err
}

func (p *Producer) send(ctx context.Context, push func(to processor) error) error {
	if p.cfg.IntakeKey != "" {
		open, err := NewGate(p.queue.rdb, p.cfg.IntakeKey).IsOpen(ctx)
		if err != nil {
			return fmt.Errorf("pushing to %s: %w", p.queue.channel, err)
		}
		if !open {
			return fmt.Errorf("pushing to %s: %w (key %s)", p.queue.channel, ErrIntakeClosed, p.cfg.IntakeKey)
		}
	}
	if p.cfg.Durable.Replicas == 0 {
		return push(p.queue.rdb)
	}
	return p.sendDurably(ctx, push)
}

// sendDurably pushes over one connection and waits on the same, since WAIT is about what the
// connection wrote.
func (p *Producer) sendDurably(ctx context.Context, push func(to processor) error) error {
	for redirects := 0; ; redirects++ {
		node, err := p.queue.primary(ctx)
		if err != nil {
			return fmt.Errorf("pushing to %s: finding its primary: %w", p.queue.channel, err)
		}
		err = p.sendOver(ctx, node.Conn(), push)
		if cluster, ok := p.queue.rdb.(*redis.ClusterClient); ok && redis.HasErrorPrefix(refusal(err), "MOVED") && redirects < 3 {
			cluster.ReloadState(ctx)
			continue
		}
		return err
	}
}

func (p *Producer) sendOver(ctx context.Context, conn *redis.Conn, push func(to processor) error) error {
	defer func() { _ = conn.Close() }() // it goes back to the pool
	if err := push(conn); err != nil {
		return err
	}
	want := p.cfg.Durable
	confirmed, err := conn.Wait(ctx, want.Replicas, want.Timeout).Result()
	switch {
	case err != nil:
		return fmt.Errorf("pushing to %s: %w: waiting for replicas: %w", p.queue.channel, ErrNotReplicated, err)
	case confirmed < int64(want.Replicas):
		return fmt.Errorf("pushing to %s: %w: %d of %d replicas confirmed within %s",
			p.queue.channel, ErrNotReplicated, confirmed, want.Replicas, want.Timeout)
	}
	return nil
}

// primary returns the client of the node that holds the channel.
func (q *Queue) primary(ctx context.Context) (*redis.Client, error) {
	switch rdb := q.rdb.(type) {
	case *redis.Client:
		return rdb, nil
	case *redis.ClusterClient:
		return rdb.MasterForKey(ctx, q.keys.waiting)
	default:
		return nil, fmt.Errorf("want a *redis.Client or *redis.ClusterClient, not %T", q.rdb)
	}
}
