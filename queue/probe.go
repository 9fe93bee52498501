package queue

import (
	"context"
	"fmt"
	"time"
)

// Probe carries out every move once with a few messages of its own, under keys that begin with
// "<channel>:probe:" and are removed at the end. It finds out at start what would stop a worker
// later: a command that the Redis user may not use, or that Redis does not know. The error has the
// command's name.
func (q *Queue) Probe(ctx context.Context) error {
	scratch, err := New(q.rdb, q.channel+":probe:"+randomSuffix())
	if err != nil {
		return err
	}
	p := &probe{ctx: ctx, queue: scratch, keys: scratch.keys.channel()}
	err = p.name(p.run())
	if removed := q.remove(ctx, p.keys); err == nil {
		err = removed
	}
	if err != nil {
		return fmt.Errorf("probing %s: %w", q.channel, err)
	}
	return nil
}

// remove deletes keys that share a slot on Redis Cluster.
func (q *Queue) remove(ctx context.Context, keys []string) error {
	if err := q.rdb.Del(ctx, keys...).Err(); err != nil {
		return fmt.Errorf("removing the probe keys: %w", err)
	}
	return nil
}

// probe is one pass through all moves.
type probe struct {
	ctx   context.Context
	queue *Queue
	keys  []string
}

func (p *probe) run() error {
	for _, part := range []func() error{p.produce, p.consume, p.lose, p.manage, p.takeTurns} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// worker returns a registered consumer that holds a message.
func (p *probe) worker(loss LossPolicy, payload string) (*Consumer, Run, error) {
	c, err := p.queue.NewConsumer(ConsumerConfig{ID: "probe", Loss: loss, MaxReloads: 1})
	if err != nil {
		return nil, Run{}, err
	}
	if err := c.Register(p.ctx); err != nil {
		return nil, Run{}, err
	}
	p.keys = append(p.keys, p.queue.keys.hand(c.ID()), p.queue.keys.inbox(c.ID()))
	run, err := p.take(c, payload)
	return c, run, err
}

// take pushes a message and claims one.
func (p *probe) take(c *Consumer, payload string) (Run, error) {
	if err := p.queue.Push(p.ctx, []byte(payload)); err != nil {
		return Run{}, err
	}
	answer, err := c.Exchange(p.ctx, nil, 1)
	if err != nil {
		return Run{}, err
	}
	if len(answer.Runs) == 0 {
		return Run{}, nil
	}
	return answer.Runs[0], nil
}

func (p *probe) produce() error {
	if _, err := p.queue.PushDelayed(p.ctx, 0, []byte("due")); err != nil {
		return err
	}
	_, err := p.queue.NewKeeper(KeeperConfig{}).Tend(p.ctx)
	return err
}

func (p *probe) consume() error {
	c, run, err := p.worker(Park, "a")
	if err != nil {
		return err
	}
	if _, err := p.take(c, "a"); err != nil { // waits beside its equal
		return err
	}
	if _, err := c.Retry(p.ctx, run.ID, []byte("b"), time.Minute); err != nil {
		return err
	}
	for _, end := range []func(RunID) (Outcome, error){
		func(id RunID) (Outcome, error) { return c.Retry(p.ctx, id, []byte("b"), 0) }, // beside its equal
		func(id RunID) (Outcome, error) { return c.Requeue(p.ctx, id, 0) },
		func(id RunID) (Outcome, error) { return c.Fail(p.ctx, id, "probe") },
		func(id RunID) (Outcome, error) { return c.Hold(p.ctx, id) },
		func(id RunID) (Outcome, error) { return c.Expire(p.ctx, id) },
		func(id RunID) (Outcome, error) { // late, and well after all
			if _, err := c.Expire(p.ctx, id); err != nil {
				return 0, err
			}
			return c.Withdraw(p.ctx, id)
		},
		func(id RunID) (Outcome, error) { return Moved, c.Release(p.ctx, id) },
	} {
		run, err := p.take(c, "c")
		if err != nil {
			return err
		}
		if _, err := end(run.ID); err != nil {
			return err
		}
	}
	if err := p.queue.Push(p.ctx, []byte("d")); err != nil {
		return err
	}
	if _, err := c.Await(p.ctx, time.Second); err != nil {
		return err
	}
	if _, err := c.Beat(p.ctx, Load{}); err != nil {
		return err
	}
	answer, err := c.Exchange(p.ctx, nil, batchLimit)
	if err != nil {
		return err
	}
	done := make([]RunID, 0, len(answer.Runs))
	for _, run := range answer.Runs {
		done = append(done, run.ID)
	}
	if _, err := c.Exchange(p.ctx, done, 0); err != nil {
		return err
	}
	return c.Leave(p.ctx)
}

// lose gives back what workers held, often enough that one message counts as poison.
func (p *probe) lose() error {
	for _, loss := range []LossPolicy{Park, Redeliver, Redeliver} {
		c, _, err := p.worker(loss, "e")
		if err != nil {
			return err
		}
		if err := c.Leave(p.ctx); err != nil {
			return err
		}
	}
	keeper := p.queue.NewKeeper(KeeperConfig{})
	_, err := keeper.Tend(p.ctx)
	return err
}

// takeTurns belongs to exclusive queues; it is probed for all, to have one list of commands.
func (p *probe) takeTurns() error {
	turn := p.queue.NewTurn()
	p.keys = append(p.keys, turn.keys()...)
	for range 2 {
		if _, _, err := turn.Take(p.ctx); err != nil {
			return err
		}
	}
	return turn.Give(p.ctx)
}

func (p *probe) manage() error {
	for _, from := range []State{Timeout, Failed} {
		if _, err := p.queue.Reload(p.ctx, from, ReloadOptions{MaxReloads: 1}); err != nil {
			return err
		}
	}
	for _, state := range States() {
		if _, err := p.queue.Flush(p.ctx, state); err != nil {
			return err
		}
	}
	if _, err := p.queue.Counts(p.ctx, 0); err != nil {
		return err
	}
	if _, err := p.queue.Workers(p.ctx); err != nil {
		return err
	}
	_, err := p.queue.Reasons(p.ctx, 1)
	return err
}
