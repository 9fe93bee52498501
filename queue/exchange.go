package queue

import (
	"context"
	"fmt"
	"math"
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
// Two calls may be on the way at once, which keeps Redis busy while a worker handles what the other one
// brought; a third one waits. After an error call it again with the same done ids; more may join them.
// A claim whose answer was lost is repeated under the same number by the next call that is not on the
// way already, and returns the same runs, even where want has become smaller meanwhile, so that none is
// held without being known. ErrEvicted means that all earlier runs are lost; see Register.
func (c *Consumer) Exchange(ctx context.Context, done []RunID, want int) (Exchanged, error) {
	all, err := c.exchange(ctx, done, want)
	if err == nil && c.mustCompare(len(done)) {
		_ = c.compare(ctx) // it stays suspicious, and the next Exchange tries again
	}
	return all, err
}

func (c *Consumer) exchange(ctx context.Context, done []RunID, want int) (Exchanged, error) {
	c.exchanging.RLock()
	defer c.exchanging.RUnlock()
	l := c.lanes.enter()
	defer c.lanes.leave(l)
	var all Exchanged
	for rest := done; ; {
		part := rest[:min(len(rest), batchLimit)]
		rest = rest[len(part):]
		claim := 0
		if len(rest) == 0 {
			claim = min(max(want, 0), batchLimit)
		}
		answer, err := c.exchangePart(ctx, l, part, claim)
		all.Lost = append(all.Lost, answer.Lost...)
		all.Late = append(all.Late, answer.Late...)
		all.Oversized = append(all.Oversized, answer.Oversized...)
		l.claimed = append(l.claimed, answer.Runs...)
		if err != nil {
			return Exchanged{Lost: all.Lost, Late: all.Late, Oversized: all.Oversized}, err
		}
		if len(rest) == 0 {
			all.Runs, l.claimed = l.claimed, nil
			return all, nil
		}
	}
}

func (c *Consumer) exchangePart(ctx context.Context, l *lane, done []RunID, want int) (Exchanged, error) {
	id, err := c.life()
	if err != nil {
		return Exchanged{Lost: done}, fmt.Errorf("exchanging: %w", err)
	}
	acks := c.hand.sort(done)
	answer, err := runList(ctx, c.queue.rdb, scriptExchange, c.queue.keys.worker(id), c.exchangeArgs(id, l, acks, want)...)
	if err == nil {
		err = answer.need(1)
	}
	l.unanswered = err != nil
	if err != nil {
		c.hand.doubt(acks.ids...)
		c.suspicious.Store(true)
		return Exchanged{}, fmt.Errorf("exchanging as worker %s: %w", id, err)
	}
	if answer.int(0) == 0 {
		c.evicted(id)
		l.claimed = nil
		return Exchanged{Lost: done}, fmt.Errorf("exchanging as worker %s: %w", id, ErrEvicted)
	}
	c.touched()
	exchanged := Exchanged{Lost: acks.unknown, Late: parseRunIDs(answer.texts(3)), Runs: l.readRuns(answer), Oversized: answer.ints(6)}
	for _, lost := range parseRunIDs(answer.texts(2)) {
		if !c.hand.isUnsure(lost) {
			exchanged.Lost = append(exchanged.Lost, lost)
		}
	}
	c.hand.drop(acks.ids...)
	c.hand.take(exchanged.Runs)
	return exchanged, nil
}

func (c *Consumer) exchangeArgs(id string, l *lane, a acks, want int) []any {
	handle := int64(math.Ceil(c.cfg.HandleTimeout.Seconds()))
	args := make([]any, 0, 10+len(a.ids)+len(a.rows)+len(a.counted))
	args = append(args, id, l.note, l.claims, want, handle, claimBudget, len(a.ids), len(a.rows)/2, len(a.counted), c.cfg.MaxMessageBytes)
	for _, list := range [][]RunID{a.ids, a.rows, a.counted} {
		args = appendTexts(args, list)
	}
	return args
}

// bytesOf returns the bytes of a text that was made for this answer and is held by nobody else, without
// copying them: every claimed message passes here.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }
