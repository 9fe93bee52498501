package poll

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// tolerated is how many looks in a row may fail before queues that were seen
	// count as unreachable. A lost packet is no outage.
	tolerated = 1
	// breakAfter is how many failed looks in a row open the breaker: from then on
	// one PING, with a shorter deadline, goes ahead of a look.
	breakAfter = 3
	// pause is the least time between two looks, however many queues are added.
	pause = 50 * time.Millisecond
	// mindAlone is how often a queue is minded that no worker tends: short enough that
	// half a second is kept though a look at thousands of queues takes a fifth of one.
	mindAlone = 330 * time.Millisecond
	// mindBeside is how often where one does, should that one die. The idle budget,
	// of which that one uses the half, allows no more.
	mindBeside = 480 * time.Millisecond
)

// loop looks at the queues of one Redis.
type loop struct {
	id     string
	config Config
	redis  Redis
	wake   func(types.NamespacedName)
	// kick asks for a look at once.
	kick chan struct{}
	// conn belongs to run.
	conn Conn
	// cancel ends run; nil before it runs. The Poller's lock guards it.
	cancel context.CancelFunc

	mu     sync.Mutex
	queues map[types.NamespacedName]*entry
}

// entry is one queue of a loop.
type entry struct {
	target   Target
	seen     Observation
	digest   string
	failures int
	// foreignAt is when a message was last seen in the hands of Hyperf's consumers.
	foreignAt time.Time
	flow      flow
	// mindAt is when to look for due messages before the next look at all. Zero: not.
	mindAt time.Time
	// patience is how long the shown backlog may lag behind.
	patience time.Duration
}

func newLoop(config Config, redis Redis, wake func(types.NamespacedName)) *loop {
	return &loop{
		id: redis.ID, config: config, redis: redis, wake: wake,
		kick:   make(chan struct{}, 1),
		queues: map[types.NamespacedName]*entry{},
	}
}

func (l *loop) watch(key types.NamespacedName, target Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.queues[key]
	if e != nil && e.target.samePlace(target) {
		// A reconcile is running, so it knows what the last look means to it.
		e.target = target
		e.digest = target.Digest(e.seen)
		return
	}
	e = &entry{target: target, patience: l.patience()}
	e.digest = target.Digest(e.seen)
	l.queues[key] = e
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// forget returns how many queues are left.
func (l *loop) forget(key types.NamespacedName) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.queues, key)
	return len(l.queues)
}

func (l *loop) latest(key types.NamespacedName) Observation {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.queues[key]; e != nil {
		return e.seen
	}
	return Observation{}
}

// targets returns all queues, or those that were not looked at yet.
func (l *loop) targets(all bool) map[types.NamespacedName]Target {
	l.mu.Lock()
	defer l.mu.Unlock()
	targets := map[types.NamespacedName]Target{}
	for key, e := range l.queues {
		if all || (e.seen.At.IsZero() && e.failures == 0) {
			targets[key] = e.target
		}
	}
	return targets
}

// run looks at all queues, waits, and looks again until ctx ends. A queue that is
// added meanwhile is looked at without the others: while thousands are added, a look
// at all of them for each few would be most of the work. And where fewer than two
// workers move what is due, it is looked for meanwhile.
func (l *loop) run(ctx context.Context) {
	defer l.hangUp()
	var next time.Time // of the next look at all queues
	for failures := 0; ctx.Err() == nil; l.wait(ctx, l.untilNext(next, failures)) {
		select {
		case <-l.kick: // what was added up to now is looked at now
		default:
		}
		all := failures > 0 || time.Until(next) <= l.config.Interval/10
		switch answered := l.look(ctx, l.targets(all), all, failures); {
		case !answered:
			failures++
			next = time.Now().Add(l.backoff(failures))
		case all:
			failures, next = 0, time.Now().Add(l.config.Interval)
		default:
			l.mind(ctx)
		}
	}
}

// look looks once and says whether Redis answered. It does not ask about nothing.
func (l *loop) look(ctx context.Context, targets map[types.NamespacedName]Target, all bool, failures int) bool {
	if len(targets) == 0 {
		return true
	}
	began := time.Now()
	results, err := l.ask(ctx, targets, all, failures)
	if ctx.Err() != nil {
		return true
	}
	l.config.Metrics.looked(time.Since(began), err)
	l.publish(targets, results, err, began)
	return err == nil
}

func (l *loop) ask(ctx context.Context, targets map[types.NamespacedName]Target, all bool, failures int) (map[types.NamespacedName]Result, error) {
	if l.conn == nil {
		conn, err := l.config.Connect(l.redis)
		if err != nil {
			return nil, err
		}
		l.conn = conn
	}
	if failures >= breakAfter {
		probe, cancel := context.WithTimeout(ctx, l.config.Deadline/2)
		defer cancel()
		if err := l.conn.Ping(probe); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, l.config.Deadline)
	defer cancel()
	return l.conn.Look(ctx, targets, all)
}

func (l *loop) hangUp() {
	if l.conn == nil {
		return
	}
	if err := l.conn.Close(); err != nil {
		l.config.Log.V(1).Info("Closing a Redis connection failed", "redis", l.id, "error", err.Error())
	}
}

// backoff is how long to wait after so many failed looks in a row.
func (l *loop) backoff(failures int) time.Duration {
	d := l.config.Interval << min(failures-1, 10)
	return jitter(min(d, l.config.MaxBackoff))
}

// untilNext is how long nothing is to be done before the next look at all queues.
func (l *loop) untilNext(next time.Time, failures int) time.Duration {
	if failures > 0 {
		return time.Until(next)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	soonest := next
	for _, e := range l.queues {
		if !e.mindAt.IsZero() && e.mindAt.Before(soonest) {
			soonest = e.mindAt
		}
	}
	return min(max(time.Until(soonest), pause), time.Until(next))
}

// wait returns after d, or sooner where a queue was added or ctx ends.
func (l *loop) wait(ctx context.Context, d time.Duration) {
	for _, step := range []struct {
		wait time.Duration
		kick chan struct{}
	}{{min(pause, d), nil}, {max(0, d-pause), l.kick}} {
		timer := time.NewTimer(step.wait)
		select {
		case <-timer.C:
		case <-step.kick:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// patience is ShowEvery with jitter, so that the status writes of many queues
// spread out.
func (l *loop) patience() time.Duration { return jitter(l.config.ShowEvery) }

// jitter returns between two thirds of d and d.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/3+1)) //nolint:gosec // spreading load needs no secret randomness
}
