package worker

import (
	"context"
	"errors"
	"time"

	"github.com/asyncqueue/operator/queue"
)

// turnInterval is the longest time between two turns of an idle loop.
const turnInterval = time.Second

// loop owns the worker's slots: it claims messages for those that are free,
// starts their runs and acknowledges those that went well. All its fields belong
// to the goroutine that calls run.
type loop struct {
	*Worker
	cut context.CancelCauseFunc // cancels the handlers' context

	work context.Context         //nolint:containedctx // of the handlers of this life; ends with the worker's own
	lose context.CancelCauseFunc // cancels it, when the worker was taken for dead

	turn *turn // nil: the queue is not exclusive

	size    int // slots there are: what SetConcurrency asked for, as of this turn
	free    int // slots without a run; below 0 while a message is handed back, or more run than there are slots
	running running
	spare   *task // tasks without a run, linked by next
	acks    []queue.RunID
	air     air

	started  int    // messages whose run began
	hungry   bool   // there may be something to claim
	finds    uint64 // how often it became so by other than the answer of an exchange
	surplus  bool   // a message waits in the inbox though no slot is free for it
	awaiting bool
	answers  chan awaited

	pause    backoff
	resume   time.Time // no exchange before: the store failed
	timer    *time.Timer
	stop     <-chan struct{}
	drainBy  time.Time // zero: not draining
	recycles bool      // the drain is to end in ErrRecycled
}

// awaited is the answer of one Await.
type awaited struct {
	found bool
	err   error
	life  uint64
}

func newLoop(w *Worker, cut context.CancelCauseFunc) *loop {
	size := int(w.slots.Load())
	l := &loop{
		Worker:  w,
		cut:     cut,
		size:    size,
		free:    size,
		hungry:  true,
		air:     newAir(),
		answers: make(chan awaited, 1),
		timer:   time.NewTimer(turnInterval),
	}
	l.work, l.lose = context.WithCancelCause(w.work)
	if w.cfg.Turn != nil {
		l.turn = newTurn(w)
	}
	return l
}

// run turns until ctx is cancelled and the drain is over.
func (l *loop) run(ctx context.Context) {
	defer l.timer.Stop()
	defer l.crew.end()
	defer close(l.air.depart)
	for range flights {
		go l.carry()
	}
	defer func() { l.lose(nil) }()
	l.stop = ctx.Done()
	for {
		now := time.Now()
		l.pulse.beat(now)
		l.noticeStop()
		l.resize()
		l.collect()
		l.noticeInbox()
		l.expireOverdue(now)
		l.report()
		if l.drained(now) {
			return
		}
		grounded := now.Before(l.resume) || l.lives.over()
		switch {
		case now.Before(l.resume):
		case grounded:
			if l.air.flying == 0 {
				l.rejoin()
				continue
			}
		case l.pressing():
			l.takeOff()
			continue
		case l.free > 0 && l.air.asked == 0 && !l.hungry && !l.draining() && !l.awaiting && l.turn.mine():
			l.await()
		}
		if l.listen(grounded) {
			l.park(now)
		}
	}
}

// resize brings the number of slots to what SetConcurrency asked for. Where more
// run than there are slots now, nothing is claimed until enough of them ended.
func (l *loop) resize() {
	size := int(l.slots.Load())
	if size == l.size {
		return
	}
	l.free += size - l.size
	if size > l.size {
		l.crave()
	}
	l.size = size
}

// collect takes back the tasks whose runs have ended.
func (l *loop) collect() {
	ended := int32(0)
	for t := l.finished.takeAll(); t != nil; ended++ {
		next := t.next
		if t.acknowledge {
			l.acks = append(l.acks, t.run.ID)
		}
		if l.turn != nil && t.listed { // a message that was handed back had no turn to end
			l.turn.ended()
		}
		l.running.remove(t)
		l.free++
		l.reuse(t)
		t = next
	}
	l.bell.ended.Add(-ended)
}

// crave notes that there is something to claim, which an exchange that is on the way need not see.
func (l *loop) crave() {
	l.hungry = true
	l.finds++
}

// noticeInbox takes in what a beat found: a message that came over a connection
// which Await had given up, or is about to be found by it.
func (l *loop) noticeInbox() {
	if l.landed.Swap(false) {
		l.found()
	}
}

// found notes that a message stands in the inbox.
func (l *loop) found() {
	if l.free > 0 && !l.draining() && l.turn.mine() {
		l.crave()
	} else {
		l.surplus = true
	}
}

// stumble holds the loop back after an error of the store.
func (l *loop) stumble(err error) {
	l.link.failed(err)
	l.resume = time.Now().Add(l.pause.wait())
}

// rejoin registers the worker anew. What it held has been given to others; its
// runs find out when they settle, and by their context unless they may go on.
func (l *loop) rejoin() {
	if !l.cfg.ContinueLost {
		l.lose(ErrLost)
		l.work, l.lose = context.WithCancelCause(l.Worker.work)
	}
	if err := l.cfg.Store.Register(l.life); err != nil {
		l.stumble(err)
		return
	}
	l.link.worked()
	l.pause.reset()
	l.lives.begin()
	for _, f := range l.air.failed {
		l.abandon(f)
	}
	l.air.failed = l.air.failed[:0]
	l.load.add(0, len(l.acks))
	l.acks = l.acks[:0]
	l.crave()
	l.cfg.Logger.Warn("This worker had been taken for dead; it is registered again.", "running", l.size-l.free)
}

func (l *loop) startAll(runs []queue.Run) {
	now := time.Now()
	var first, last *task
	for _, run := range runs {
		t := l.take(run, now)
		l.free--
		if l.free < 0 || l.draining() || !l.enter(t) {
			go t.handBack()
			continue
		}
		l.started++
		l.running.add(t)
		if first == nil {
			first = t
		} else {
			last.next = t
		}
		last = t
	}
	if first != nil {
		l.crew.begin(first, last)
	}
}

// enter gives a run of an exclusive queue its turn, and says whether it has one.
func (l *loop) enter(t *task) (ok bool) {
	if l.turn == nil {
		return true
	}
	t.ctx, t.fence, ok = l.turn.begin(t.ctx)
	return ok
}

// take returns a task for run, a used one where there is one.
func (l *loop) take(run queue.Run, now time.Time) *task {
	t := l.spare
	if t == nil {
		t = &task{worker: l.Worker}
	} else {
		l.spare = t.next
	}
	t.run, t.begun, t.ctx, t.next = run, now, l.work, nil
	if l.cfg.OnHandleTimeout == Cancel {
		t.ctx, t.cancel = context.WithCancelCause(l.work)
	}
	return t
}

func (l *loop) reuse(t *task) {
	if t.cancel != nil {
		t.cancel(nil)
	}
	t.run, t.ctx, t.cancel, t.fence, t.acknowledge, t.expired = queue.Run{}, nil, nil, 0, false, nil
	t.job.Store(nil)
	t.phase.Store(phaseRunning)
	t.next, l.spare = l.spare, t
}

// expireOverdue does what is due for each run that has become late.
func (l *loop) expireOverdue(now time.Time) {
	for t := l.running.popOverdue(now.Add(-l.cfg.HandleTimeout)); t != nil; t = l.running.popOverdue(now.Add(-l.cfg.HandleTimeout)) {
		if t.late() {
			t.overrun()
		}
	}
}

// await looks for the next message in the background.
func (l *loop) await() {
	l.awaiting, l.hungry = true, false
	life := l.lives.current()
	go func() {
		found, err := l.cfg.Store.Await(l.life, l.cfg.Pop)
		l.answers <- awaited{found: found, err: err, life: life}
	}()
}

// answered takes the answer of await.
func (l *loop) answered(a awaited) {
	l.awaiting = false
	switch {
	case errors.Is(a.err, queue.ErrEvicted):
		l.lives.end(a.life)
	case a.err != nil:
		l.stumble(a.err)
		l.crave() // an answer may have been lost
	case a.found:
		l.link.worked()
		l.found()
	default:
		l.link.worked()
	}
}

// park waits until there is something to do.
func (l *loop) park(now time.Time) {
	l.timer.Reset(max(l.nextWake(now).Sub(now), 0))
	select {
	case <-l.wake:
	case f := <-l.air.arrived:
		l.land(f)
	case a := <-l.answers:
		l.answered(a)
	case <-l.stop:
		l.stop = nil
		l.recycles = false
		l.beginDrain()
	case <-l.timer.C:
	}
}

// nextWake returns when the loop must turn at the latest.
func (l *loop) nextWake(now time.Time) time.Time {
	wake := now.Add(turnInterval)
	if t := l.running.onTime; t != nil {
		wake = earliest(wake, t.begun.Add(l.cfg.HandleTimeout))
	}
	if l.resume.After(now) {
		wake = earliest(wake, l.resume)
	}
	if l.draining() {
		wake = earliest(wake, l.nextDrainStep(now))
	}
	return wake
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// report tells the beats what is in hand.
func (l *loop) report() {
	var oldest time.Time
	if l.running.first != nil {
		oldest = l.running.first.begun
	}
	l.load.report(l.size-l.free, oldest)
}
