package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// LossPolicy says what becomes of the messages that a dead worker held.
type LossPolicy string

// The policies for a lost worker's messages.
const (
	Park      LossPolicy = "park"      // they go to timeout; the default
	Redeliver LossPolicy = "redeliver" // they go back to waiting, as the next to be taken
)

func (p LossPolicy) validate() error {
	if p != "" && p != Park && p != Redeliver {
		return fmt.Errorf("Loss %q: want %s or %s", string(p), Park, Redeliver)
	}
	return nil
}

// KeeperConfig says how a channel is tended.
type KeeperConfig struct {
	// Loss says where a dead worker's messages go. Default Park.
	Loss LossPolicy
	// MaxReloads is how often Redeliver gives a message again before it goes to failed; 0: no bound.
	MaxReloads int
	// Ahead makes delayed messages that are due within this time count as due. Default 0.
	Ahead time.Duration
	// Peek returns the message that is to be taken next, if it has at most so many bytes. Default 0:
	// none is returned.
	Peek int
}

// Tended is what a Keeper did and saw.
type Tended struct {
	Counts
	Now     time.Time // by the clock of Redis
	Moved   int       // due messages that were put on waiting
	More    bool      // more are due: tend again at once
	Beats   []Beat    // of all registered workers
	Tenders int       // workers that look after the channel now: a tender, and its deputy
	Foreign int64     // reservations of Hyperf consumers
	Next    string    // the message of waiting that is to be taken next: see KeeperConfig.Peek
	Swept   []string  // workers that were dead: what they held was given back
}

// moveLimit is how many due messages one call moves.
const moveLimit = 1000

// Keeper tends a channel: it moves what is due, finds dead workers and gives back what they held.
// Any number of keepers may tend one channel. It is safe for concurrent use, but needs to be called
// regularly by one who remembers: a worker is dead when its beat has not changed through 8 s of this
// keeper's own successful calls.
type Keeper struct {
	queue *Queue
	cfg   KeeperConfig
	now   func() time.Time

	mu      sync.Mutex
	watch   watch
	asked   time.Time // when the last answer was asked for
	clock   time.Time // the clock of Redis in it; zero: there was none
	next    time.Time // NextDue in it
	atRest  bool      // it knew of no message to come, and of nobody who tends the channel
	workers []string  // whose inboxes to count, as of the last call
	ghosts  []string  // whose inboxes to look into with the next call
}

// NewKeeper returns a keeper of the channel. An unknown policy counts as Park.
func (q *Queue) NewKeeper(cfg KeeperConfig) *Keeper {
	if cfg.Loss != Redeliver {
		cfg.Loss = Park
	}
	return &Keeper{queue: q, cfg: cfg, now: time.Now, watch: newWatch()}
}

// Tend does all that the channel needs now, in one round trip (a second one where a worker died).
// Call it at most 0.4 s after the last one, sooner when NextDue is nearer; or ask DueIn meanwhile.
func (k *Keeper) Tend(ctx context.Context) (Tended, error) {
	result := TendAll(ctx, k.queue.rdb, []*Keeper{k})[0]
	return result.Tended, result.Err
}

// TendResult is the result of one keeper in TendAll.
type TendResult struct {
	Tended Tended
	Err    error
}

// TendAll tends many channels of one Redis in one pipelined round trip, and a second one where
// workers died or Redis did not know the scripts yet. The keepers' queues must use the same Redis
// as rdb. The results stand in the order of the keepers.
func TendAll(ctx context.Context, rdb redis.UniversalClient, keepers []*Keeper) []TendResult {
	results := make([]TendResult, len(keepers))
	calls := make([]call, len(keepers))
	for i, k := range keepers {
		calls[i] = k.ask()
	}
	pipeline(ctx, rdb, calls)
	var sweeps []call
	var swept []sweepTarget
	for i, k := range keepers {
		var dead []Beat
		results[i], dead = k.read(calls[i])
		for _, beat := range dead {
			sweeps = append(sweeps, k.sweep(beat))
			swept = append(swept, sweepTarget{keeper: i, worker: beat.ID})
		}
	}
	pipeline(ctx, rdb, sweeps)
	for i, target := range swept {
		results[target.keeper].addSweep(keepers[target.keeper], target.worker, sweeps[i])
	}
	return results
}

type sweepTarget struct {
	keeper int
	worker string
}

func (k *Keeper) ask() call {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = time.Now()
	ask := tendRequest{limit: moveLimit, ahead: k.cfg.Ahead, inboxes: k.workers, ghosts: k.ghosts, peek: k.cfg.Peek}
	return call{script: scriptTend, keys: ask.keys(k.queue.keys), args: ask.args()}
}

// read takes in one answer of tend.lua and says which workers are dead.
func (k *Keeper) read(c call) (TendResult, []Beat) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.err != nil {
		k.watch.miss()
		return TendResult{Err: fmt.Errorf("tending %s: %w", k.queue.channel, c.err)}, nil
	}
	seen, err := readSight(c.answer)
	if err != nil {
		k.watch.miss()
		return TendResult{Err: fmt.Errorf("tending %s: %w", k.queue.channel, err)}, nil
	}
	k.clock, k.next, k.ghosts = seen.now, seen.counts.NextDue, seen.ghosts
	k.atRest = seen.counts.Waiting == 0 && seen.counts.Delayed == 0 && seen.tenders == 0
	k.workers = make([]string, 0, len(seen.beats))
	for _, beat := range seen.beats {
		k.workers = append(k.workers, beat.ID)
	}
	dead := k.watch.look(k.now(), seen.beats)
	return TendResult{Tended: Tended{
		Counts: seen.counts, Now: seen.now, Moved: seen.moved, More: seen.more, Beats: seen.beats,
		Tenders: seen.tenders, Foreign: seen.foreign, Next: seen.next,
	}}, dead
}

func (k *Keeper) sweep(beat Beat) call {
	return call{
		script: scriptSweep, keys: k.queue.keys.worker(beat.ID),
		args: sweepArgs(beat.ID, beat.text, k.cfg.Loss, k.cfg.MaxReloads),
	}
}

func sweepArgs(worker, seen string, loss LossPolicy, maxReloads int) []any {
	if loss == "" {
		loss = Park
	}
	return []any{worker, seen, string(loss), maxReloads}
}

func (r *TendResult) addSweep(k *Keeper, worker string, c call) {
	switch {
	case c.err != nil:
		r.Err = errors.Join(r.Err, fmt.Errorf("sweeping worker %s of %s: %w", worker, k.queue.channel, c.err))
	case c.answer.int(0) == 1:
		r.Tended.Swept = append(r.Tended.Swept, worker)
	}
}
