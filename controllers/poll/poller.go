package poll

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
)

// Config is how a Poller works. The zero value of a duration means its default.
type Config struct {
	// Interval is the time between two looks at a Redis. Default 1 s.
	Interval time.Duration
	// Deadline is how long one look may take. Default 2 s.
	Deadline time.Duration
	// MaxBackoff is the longest time between two looks at a Redis that does not
	// answer. Default 2 s: with Deadline it bounds how late a recovery is seen.
	MaxBackoff time.Duration
	// ShowEvery is how often the shown backlog follows the real one while no
	// state becomes empty or stops being so. Default 30 s; a third is random.
	ShowEvery time.Duration
	// Connect opens a connection. It must not wait for the server.
	Connect func(Redis) (Conn, error)
	// Log is for faults that belong to no queue.
	Log logr.Logger
	// Metrics counts what happens. Nil: nothing is counted.
	Metrics *Metrics
}

const (
	defaultInterval   = time.Second
	defaultDeadline   = 2 * time.Second
	defaultMaxBackoff = 2 * time.Second
	defaultShowEvery  = 30 * time.Second
)

func (c Config) withDefaults() Config {
	orDefault := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	orDefault(&c.Interval, defaultInterval)
	orDefault(&c.Deadline, defaultDeadline)
	orDefault(&c.MaxBackoff, defaultMaxBackoff)
	orDefault(&c.ShowEvery, defaultShowEvery)
	if c.Connect == nil {
		c.Connect = Connect
	}
	if c.Metrics == nil {
		c.Metrics = NewMetrics()
	}
	return c
}

// Poller looks at the queues that it is told to watch. It is safe for concurrent
// use; Start runs its loops.
type Poller struct {
	config Config

	mu     sync.Mutex
	start  func(*loop) // nil before Start and after its end
	wake   func(types.NamespacedName)
	places map[types.NamespacedName]*loop
	loops  map[string]*loop
}

// New returns a Poller that watches nothing yet.
func New(config Config) *Poller {
	return &Poller{
		config: config.withDefaults(),
		places: map[types.NamespacedName]*loop{},
		loops:  map[string]*loop{},
	}
}

// NeedLeaderElection makes the manager start the poller on the leader only:
// tending by two would be harmless, but wasteful.
func (p *Poller) NeedLeaderElection() bool { return true }

// Start runs a loop for each Redis until ctx ends, and waits for them.
func (p *Poller) Start(ctx context.Context) error {
	var running sync.WaitGroup
	p.mu.Lock()
	p.start = func(l *loop) {
		var looping context.Context
		looping, l.cancel = context.WithCancel(ctx)
		running.Go(func() { l.run(looping) })
	}
	for _, l := range p.loops {
		p.start(l)
	}
	p.mu.Unlock()

	<-ctx.Done()
	p.mu.Lock()
	p.start = nil
	p.mu.Unlock()
	running.Wait()
	return nil
}

// OnWake sets what is called when a queue should be reconciled; it must not
// block. Before that nobody is woken.
func (p *Poller) OnWake(wake func(types.NamespacedName)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake = wake
}

func (p *Poller) wakeUp(key types.NamespacedName) {
	p.mu.Lock()
	wake := p.wake
	p.mu.Unlock()
	if wake != nil {
		wake(key)
	}
}

// Watch looks at a queue from now on, or goes on doing so. The first look at a
// new or changed target comes at once.
func (p *Poller) Watch(key types.NamespacedName, target Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.places[key]; old != nil && old.id != target.Redis.ID {
		p.forget(key)
	}
	l := p.loops[target.Redis.ID]
	if l == nil {
		l = newLoop(p.config, *target.Redis, p.wakeUp)
		p.loops[target.Redis.ID] = l
		if p.start != nil {
			p.start(l)
		}
	}
	p.places[key] = l
	target.Redis = &l.redis // thousands of queues may have one
	l.watch(key, target)
}

// Forget stops looking at a queue.
func (p *Poller) Forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(key)
}

func (p *Poller) forget(key types.NamespacedName) {
	l := p.places[key]
	if l == nil {
		return
	}
	delete(p.places, key)
	if l.forget(key) > 0 {
		return
	}
	delete(p.loops, l.id)
	if l.cancel != nil {
		l.cancel()
	}
}

// Latest returns what is known about a queue. The zero Observation: nothing yet.
func (p *Poller) Latest(key types.NamespacedName) Observation {
	p.mu.Lock()
	l := p.places[key]
	p.mu.Unlock()
	if l == nil {
		return Observation{}
	}
	return l.latest(key)
}
