package queue

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"unsafe"
)

// Exchanged is the answer to an Exchange.
type Exchanged struct {
	Runs []Run   // claimed, oldest first
	Lost []RunID // of the acknowledged ones: no longer in hand, given back before
	Late []RunID // of the acknowledged ones: past their deadline, their messages stay in timeout

	// Oversized has the bytes of each message that was larger than ConsumerConfig.MaxMessageBytes: it
	// was not claimed, but sent to failed with this reason.
	Oversized []int
}

// Exchange acknowledges runs that ended well and claims up to want messages, in one round trip
// (1000 of each at most; more ids take more round trips). Want is the number of free slots.
//
// After an error call it again with the same done ids; more may join them. A claim whose answer was
// lost is repeated under the same number and returns the same runs, even where want has become
// smaller meanwhile, so that none is held without being known. ErrEvicted means that all earlier
// runs are lost; see Register.
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
		all.Lost = append(all.Lost, answer.Lost...)
		all.Late = append(all.Late, answer.Late...)
		all.Oversized = append(all.Oversized, answer.Oversized...)
		c.claimed = append(c.claimed, answer.Runs...)
		if err != nil {
			return Exchanged{Lost: all.Lost, Late: all.Late, Oversized: all.Oversized}, err
		}
		if len(rest) == 0 {
			all.Runs, c.claimed = c.claimed, nil
			if c.mustCompare(len(done)) {
				_ = c.compare(ctx, c.ID()) // it stays suspicious, and the next Exchange tries again
			}
			return all, nil
		}
	}
}

func (c *Consumer) exchange(ctx context.Context, done []RunID, want int) (Exchanged, error) {
	id, err := c.life()
	if err != nil {
		return Exchanged{Lost: done}, fmt.Errorf("exchanging: %w", err)
	}
	acks := c.hand.sort(done)
	answer, err := runList(ctx, c.queue.rdb, scriptExchange, c.queue.keys.worker(id), c.exchangeArgs(id, acks, want)...)
	if err == nil {
		err = answer.need(1)
	}
	if err != nil {
		c.hand.doubt(acks.ids...)
		c.suspicious.Store(true)
		return Exchanged{}, fmt.Errorf("exchanging as worker %s: %w", id, err)
	}
	if answer.int(0) == 0 {
		c.evicted(id)
		c.claimed = nil
		return Exchanged{Lost: done}, fmt.Errorf("exchanging as worker %s: %w", id, ErrEvicted)
	}
	c.touched()
	exchanged := Exchanged{Lost: acks.unknown, Late: parseRunIDs(answer.texts(3)), Runs: c.readRuns(answer), Oversized: answer.ints(6)}
	for _, lost := range parseRunIDs(answer.texts(2)) {
		if !c.hand.isUnsure(lost) {
			exchanged.Lost = append(exchanged.Lost, lost)
		}
	}
	c.hand.drop(acks.ids...)
	c.hand.take(exchanged.Runs)
	return exchanged, nil
}

func (c *Consumer) exchangeArgs(id string, a acks, want int) []any {
	handle := int64(math.Ceil(c.cfg.HandleTimeout.Seconds()))
	args := make([]any, 0, 10+len(a.ids)+len(a.ranges)+len(a.counted))
	args = append(args, id, c.claims, want, handle, claimBudget, a.held, len(a.ids), len(a.ranges)/2, len(a.counted), c.cfg.MaxMessageBytes)
	for _, list := range [][]RunID{a.ids, a.ranges, a.counted} {
		for _, run := range list {
			args = append(args, uint64(run))
		}
	}
	return args
}

// readRuns reads the claimed messages. A claim that brought some has used its number.
func (c *Consumer) readRuns(answer reply) []Run {
	payloads, counts := answer.list(4), answer.list(5)
	first, err := strconv.ParseUint(answer.text(1), 10, 64)
	if len(payloads) == 0 || err != nil {
		return nil
	}
	c.claims++
	runs := make([]Run, 0, len(payloads))
	for i, p := range payloads {
		text, held := p.(string)
		if !held {
			continue
		}
		run := Run{ID: RunID(first + uint64(i)), Payload: bytesOf(text)}
		if i < len(counts) {
			count, _ := counts[i].(string)
			run.Redelivered, _ = strconv.Atoi(count)
		}
		runs = append(runs, run)
	}
	return runs
}

// bytesOf returns the bytes of a text that was made for this answer and is held by nobody else, without
// copying them: every claimed message passes here.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }
