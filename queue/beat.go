package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

const (
	// BeatEvery is how often a worker should call Beat.
	BeatEvery = 2 * time.Second
	// DeputyEvery is how often a deputy should: a beat moves what is due, so that messages which fall due
	// while the tender is dead, but not yet replaced, are moved within half a second too.
	DeputyEvery = 450 * time.Millisecond
)

// protocolVersion stands in every beat, so that a later version can tell who else is there.
const protocolVersion = 1

// Load is what a worker tells about itself in a beat.
type Load struct {
	Running int       // messages in hand, late ones included
	Oldest  time.Time // when the oldest running one started; zero: none
	Done    uint64    // runs that ended since the process started
}

// Beat is the last sign of life of a worker.
type Beat struct {
	ID      string    // the worker's name in Redis
	Pod     string    // ConsumerConfig.Pod
	Owner   string    // UID of the AsyncQueue it works for
	Count   uint64    // grows with every beat of a worker
	Load    Load      // as of the beat
	Version int       // of the protocol that the worker speaks
	text    string    // as it stands in Redis: what a sweep compares
	_       [0]func() // not comparable, room for more fields
}

// beatText is the JSON of a beat.
type beatText struct {
	Count   uint64 `json:"n"`
	Pod     string `json:"pod,omitempty"`
	Owner   string `json:"owner,omitempty"`
	Running int    `json:"running"`
	Oldest  int64  `json:"oldest,omitempty"` // Unix milliseconds
	Done    uint64 `json:"done"`
	Version int    `json:"v"`
}

// BeatResult is the answer to a Beat.
type BeatResult struct {
	Tender bool // this worker tends the channel now: it should run a Keeper
	Deputy bool // it looks after the channel in case the tender dies: it should beat every DeputyEvery
	Inbox  bool // a message stands in the worker's inbox: it should Exchange, though Await may have found nothing

	// Swept are workers that have been silent through 8 s of this worker's beats: what they held was
	// given back.
	Swept []string
}

// Beat renews the worker's sign of life, to be called every BeatEvery, and moves what is due, up to 100
// messages. By this it also finds who looks after the channel, and who has died. A worker without beats
// for 8 s is taken for dead. ErrEvicted: see Register.
func (c *Consumer) Beat(ctx context.Context, load Load) (BeatResult, error) {
	id, err := c.life()
	if err != nil {
		return BeatResult{}, fmt.Errorf("beating: %w", err)
	}
	c.beating.Lock()
	defer c.beating.Unlock()
	beat := c.nextBeat(id, load)
	answer, err := runList(ctx, c.queue.rdb, scriptBeat, c.queue.keys.worker(id), id, beat, tenderLease.Milliseconds(), c.rounds.suspect())
	if err != nil {
		c.rounds.miss()
		c.suspicious.Store(true)
		return BeatResult{}, fmt.Errorf("beating as worker %s: %w", id, err)
	}
	if answer.int(0) == 0 {
		c.evicted(id)
		return BeatResult{}, fmt.Errorf("beating as worker %s: %w", id, ErrEvicted)
	}
	c.touched()
	c.rounds.took(uint64(answer.int(3)), c.now()) //nolint:gosec // a count
	return BeatResult{
		Tender: answer.int(1) == 1, Deputy: answer.int(1) == 2, Inbox: answer.int(2) > 0, Swept: c.sweepSilent(ctx, answer.texts(4)),
	}, nil
}

// sweepSilent gives back what dead workers held, of those that a beat was told of as (worker, number,
// beat). Who cannot be swept now is told of by the next beat again.
func (c *Consumer) sweepSilent(ctx context.Context, silent []string) []string {
	var dead []string
	var sweeps []call
	for i := 0; i+2 < len(silent); i += 3 {
		id, beat := silent[i], silent[i+2]
		number, err := strconv.ParseUint(silent[i+1], 10, 64)
		if err != nil || !c.rounds.isDead(number) {
			continue
		}
		dead = append(dead, id)
		sweeps = append(sweeps, call{
			script: scriptSweep, keys: c.queue.keys.worker(id), args: sweepArgs(id, beat, c.cfg.Loss, c.cfg.MaxReloads),
		})
	}
	pipeline(ctx, c.queue.rdb, sweeps)
	var swept []string
	for i, sweep := range sweeps {
		if sweep.err == nil && sweep.answer.int(0) == 1 {
			swept = append(swept, dead[i])
		}
	}
	return swept
}

func (c *Consumer) nextBeat(_ string, load Load) string {
	c.mu.Lock()
	c.beats++
	beat := beatText{
		Count: c.beats, Pod: c.cfg.Pod, Owner: c.cfg.Owner,
		Running: load.Running, Done: load.Done, Version: protocolVersion,
	}
	c.mu.Unlock()
	if !load.Oldest.IsZero() {
		beat.Oldest = load.Oldest.UnixMilli()
	}
	text, _ := json.Marshal(beat) // strings and numbers only: cannot fail
	return string(text)
}

// parseBeat reads a beat leniently: a text of another version still shows that the worker lives.
func parseBeat(id, text string) Beat {
	var b beatText
	_ = json.Unmarshal([]byte(text), &b)
	beat := Beat{
		ID: id, Pod: b.Pod, Owner: b.Owner, Count: b.Count, Version: b.Version, text: text,
		Load: Load{Running: b.Running, Done: b.Done},
	}
	if b.Oldest > 0 {
		beat.Load.Oldest = time.UnixMilli(b.Oldest)
	}
	return beat
}

// Workers returns the last beat of every worker that is registered, dead ones included until they
// are swept.
func (q *Queue) Workers(ctx context.Context) ([]Beat, error) {
	texts, err := q.rdb.HGetAll(ctx, q.keys.workers).Result()
	if err != nil {
		return nil, fmt.Errorf("reading workers of %s: %w", q.channel, err)
	}
	beats := make([]Beat, 0, len(texts))
	for id, text := range texts {
		beats = append(beats, parseBeat(id, text))
	}
	sortBeats(beats)
	return beats, nil
}
