package queue

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// claimBudget bounds the bytes of one claim, so that large messages come a few at a time.
	claimBudget = 16 << 20
	// batchLimit bounds what one script call acknowledges or claims.
	batchLimit = 1000
	// tenderLease is how long a worker looks after the channel without another beat.
	tenderLease = 3 * time.Second
	// DefaultHandleTimeout is the handle timeout where none is configured.
	DefaultHandleTimeout = 10 * time.Second
)

// ConsumerConfig describes one consumer, which is one process that claims messages.
type ConsumerConfig struct {
	// ID begins the worker's name in Redis; each registration adds a random suffix, so that no two
	// lives of a process are mixed up. Letters, digits, '.', '_' and '-'; default: the host name.
	ID string
	// Pod is shown in the beats. Default: empty.
	Pod string
	// Owner is the UID of the AsyncQueue that the worker belongs to. Default: empty.
	Owner string
	// HandleTimeout is how long a run may take before its message counts as timed out. Default 10 s.
	HandleTimeout time.Duration
	// Loss says where the messages go that a worker still holds: this one when it Leaves, a dead one when
	// a Beat finds it. Default Park.
	Loss LossPolicy
	// MaxReloads bounds how often a message is redelivered so before it goes to failed. Default 0: no bound.
	MaxReloads int
	// MaxMessageBytes is how large a message may be: Exchange sends larger ones to failed instead of
	// claiming them. Default 0: any size.
	MaxMessageBytes int
}

// maxWorkerName bounds the bytes of ConsumerConfig.ID.
const maxWorkerName = 200

var workerName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// isWorkerName looks at the length by itself: a count in the pattern would be kept as so many copies of it.
func isWorkerName(name string) bool {
	return len(name) <= maxWorkerName && workerName.MatchString(name)
}

func (cfg *ConsumerConfig) validate() error {
	if cfg.ID == "" {
		cfg.ID = hostName()
	}
	if !isWorkerName(cfg.ID) {
		return fmt.Errorf("ID %q: want at most 200 letters, digits, '.', '_' and '-'", cfg.ID)
	}
	if cfg.HandleTimeout < 0 {
		return errors.New("HandleTimeout: want no negative duration")
	}
	if cfg.HandleTimeout == 0 {
		cfg.HandleTimeout = DefaultHandleTimeout
	}
	if cfg.MaxReloads < 0 {
		return errors.New("MaxReloads: want no negative number")
	}
	if cfg.MaxMessageBytes < 0 {
		return errors.New("MaxMessageBytes: want no negative number")
	}
	return cfg.Loss.validate()
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil || !isWorkerName(name) {
		return "worker"
	}
	return name
}

// Consumer claims messages for one worker and ends their runs. All methods are safe for concurrent
// use; two Exchange calls may be on the way at once, others wait.
type Consumer struct {
	queue *Queue
	cfg   ConsumerConfig

	exchanging sync.RWMutex // read-locked through an Exchange, locked where none may be on the way
	lanes      lanes
	compared   time.Time   // when the hand was last compared with Redis; guarded by exchanging
	suspicious atomic.Bool // a call has failed since: what Redis had confirmed may be undone

	hand *hand

	beating sync.Mutex // held through a Beat
	rounds  rounds     // what it saw of others through its beats; guarded by beating
	now     func() time.Time

	mu      sync.Mutex
	id      string // of this life of the worker; empty before Register
	active  bool   // registered, as far as known
	beats   uint64
	contact time.Time // when Redis last answered as to a registered worker

	blocks    map[string]int // by life: Awaits that block in Redis
	unblocked chan struct{}  // closed and replaced when one ends
}

// NewConsumer returns a consumer that has yet to Register.
func (q *Queue) NewConsumer(cfg ConsumerConfig) (*Consumer, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("creating consumer: %w", err)
	}
	return &Consumer{queue: q, cfg: cfg, lanes: newLanes(), hand: newHand(), now: time.Now, blocks: map[string]int{}, unblocked: make(chan struct{})}, nil
}

// ID returns the worker's name in Redis, which changes with each registration; empty before the
// first one.
func (c *Consumer) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// Register makes the consumer known in Redis as a new worker that holds nothing. It may be repeated
// until it succeeds, and is called again after ErrEvicted. Runs of an earlier life stay lost.
func (c *Consumer) Register(ctx context.Context) error {
	c.exchanging.Lock()
	defer c.exchanging.Unlock()
	c.mu.Lock()
	if c.id == "" || c.active {
		c.id = c.cfg.ID + "." + randomSuffix()
		c.active = false
	}
	id := c.id
	c.mu.Unlock()
	c.beating.Lock()
	defer c.beating.Unlock()
	beat := c.nextBeat(id, Load{})
	number, err := scriptRegister.Run(ctx, once{c.queue.rdb}, c.queue.keys.worker(id), id, beat).Uint64()
	if err != nil {
		return fmt.Errorf("registering worker %s: %w", id, err)
	}
	c.rounds = rounds{}
	c.rounds.took(number, c.now())
	c.mu.Lock()
	c.active = true
	c.contact = time.Now()
	c.mu.Unlock()
	c.lanes.reset()
	c.compared = time.Now()
	c.hand.empty()
	return nil
}

// Leave gives back what the worker still holds, as ConsumerConfig.Loss says, and ends its life in
// Redis. Where an Await still blocks in Redis, it then waits for its end, 2 s at most, and gives back what
// comes by it at once. It may be repeated until it succeeds. A later Register starts a new life.
func (c *Consumer) Leave(ctx context.Context) error {
	c.exchanging.Lock()
	defer c.exchanging.Unlock()
	id := c.ID()
	if id == "" {
		return nil
	}
	args := sweepArgs(id, "", c.cfg.Loss, c.cfg.MaxReloads)
	if _, err := runList(ctx, c.queue.rdb, scriptSweep, c.queue.keys.worker(id), args...); err != nil {
		return fmt.Errorf("leaving as worker %s: %w", id, err)
	}
	c.evicted(id)
	c.awaitBlocks(ctx, id)
	return nil
}

// life returns the worker id, or ErrEvicted when there is none in Redis.
func (c *Consumer) life() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.active {
		return "", ErrEvicted
	}
	return c.id, nil
}

// evicted notes that Redis no longer knows this life of the worker.
func (c *Consumer) evicted(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id == id {
		c.id, c.active = "", false
		c.hand.empty()
	}
}

func (c *Consumer) touched() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.contact = time.Now()
}

func randomSuffix() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
