package queue

import (
	"context"
	"fmt"
	"math"
	"strconv"
)

// Exchanged is the answer to an Exchange.
type Exchanged struct {
	Runs []Run   // claimed, oldest first
	Lost []RunID // of the acknowledged ones: no longer in hand, given back before
	Late []RunID // of the acknowledged ones: past their deadline, their messages stay in timeout
}

// Exchange acknowledges runs that ended well and claims up to want messages, in one round trip.
// It claims only what it returns: want is the number of free slots.
//
// After an error call it again with the same done ids (more may join them): a claim whose answer
// was lost is repeated under the same number and returns the same runs, even when want has become
// smaller meanwhile. ErrEvicted means that all earlier runs are lost; see Register.
func (c *Consumer) Exchange(ctx context.Context, done []RunID, want int) (Exchanged, error) {
	c.exchanging.Lock()
	defer c.exchanging.Unlock()
	var all Exchanged
	for rest := done; ; {
		part := rest[:min(len(rest), batchLimit)]
		rest = rest[len(part):]
		claim := 0
		if len(rest) == 0 {
			claim = min(max(want, 0), batchLimit)
		}
		answer, err := c.exchange(ctx, part, claim)
		c.claimed = append(c.claimed, answer.Runs...)
		all.Lost = append(all.Lost, answer.Lost...)
		all.Late = append(all.Late, answer.Late...)
		if err != nil {
			c.doubt(done...)
			return Exchanged{Lost: all.Lost, Late: all.Late}, err
		}
		if len(rest) == 0 {
			break
		}
	}
	c.settled(done)
	all.Runs, c.claimed = c.claimed, nil
	return all, nil
}

func (c *Consumer) exchange(ctx context.Context, done []RunID, want int) (Exchanged, error) {
	id, err := c.life()
	if err != nil {
		return Exchanged{Lost: done}, fmt.Errorf("exchanging: %w", err)
	}
	if c.token+uint64(want) >= tokensPerSecond {
		c.token = 1
	}
	answer, err := runList(ctx, c.queue.rdb, scriptExchange, c.queue.keys.worker(id), c.exchangeArgs(id, done, want)...)
	if err == nil {
		err = answer.need(1)
	}
	if err != nil {
		return Exchanged{}, fmt.Errorf("exchanging as worker %s: %w", id, err)
	}
	if answer.int(0) == 0 {
		c.evicted(id)
		c.claimed = nil
		return Exchanged{Lost: c.reallyLost(done)}, fmt.Errorf("exchanging as worker %s: %w", id, ErrEvicted)
	}
	c.touched()
	return Exchanged{
		Lost: c.reallyLost(parseRunIDs(answer.texts(2))),
		Late: parseRunIDs(answer.texts(3)),
		Runs: c.runs(answer),
	}, nil
}

func (c *Consumer) exchangeArgs(id string, done []RunID, want int) []any {
	handle := int64(math.Ceil(c.cfg.HandleTimeout.Seconds()))
	args := make([]any, 0, 6+len(done))
	args = append(args, id, c.token, want, handle, claimBudget, len(done))
	for _, run := range done {
		args = append(args, run.String())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.redelivered) == 0 {
		return args
	}
	for _, run := range done {
		if _, counted := c.redelivered[run]; counted {
			args = append(args, run.String())
		}
	}
	return args
}

// runs reads the claimed messages and moves the token behind them.
func (c *Consumer) runs(answer reply) []Run {
	payloads, counts := answer.list(4), answer.list(5)
	if len(payloads) == 0 {
		return nil
	}
	c.token += uint64(len(payloads))
	first, _ := strconv.ParseUint(answer.text(1), 10, 64)
	runs := make([]Run, 0, len(payloads))
	for i, p := range payloads {
		text, held := p.(string)
		if !held {
			continue
		}
		run := Run{ID: RunID(first + uint64(i)), Payload: []byte(text)}
		if i < len(counts) {
			count, _ := counts[i].(string)
			run.Redelivered, _ = strconv.Atoi(count)
		}
		if run.Redelivered > 0 {
			c.mu.Lock()
			c.redelivered[run.ID] = struct{}{}
			c.mu.Unlock()
		}
		runs = append(runs, run)
	}
	return runs
}

// doubt remembers runs that a call may have ended without our seeing the answer.
func (c *Consumer) doubt(ids ...RunID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.unsure[id] = struct{}{}
	}
}

// reallyLost leaves out the runs that an earlier, unanswered call of ours must have ended.
func (c *Consumer) reallyLost(ids []RunID) []RunID {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lost []RunID
	for _, id := range ids {
		if _, ours := c.unsure[id]; !ours {
			lost = append(lost, id)
		}
	}
	return lost
}

// settled forgets what was remembered about runs that have ended for sure.
func (c *Consumer) settled(ids []RunID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		delete(c.unsure, id)
		delete(c.redelivered, id)
	}
}
