package worker

import (
	"math"
	"time"
)

// The drain: claim nothing more, wait for the handlers, cancel their context
// when the time is over, give up on them windUp later.

func (l *loop) draining() bool { return !l.drainBy.IsZero() }

// noticeStop begins the drain if it was asked for, or if the worker is to be
// recycled. A busy loop never parks.
func (l *loop) noticeStop() {
	select {
	case <-l.stop:
		l.stop = nil
		l.recycles = false
		l.beginDrain()
	default:
		if !l.draining() && (l.left() == 0 || l.recycling.Load()) {
			l.recycles = true
			l.beginDrain()
		}
	}
}

// left returns how many messages may begin before the worker is recycled.
func (l *loop) left() int {
	if l.cfg.MaxMessages == 0 {
		return math.MaxInt
	}
	return max(l.cfg.MaxMessages-l.started, 0)
}

// beginDrain begins the drain, unless one is under way: a stop in the middle of a
// recycling has no time of its own.
func (l *loop) beginDrain() {
	if l.draining() {
		return
	}
	l.drainBy = time.Now().Add(l.cfg.Drain)
	l.pulse.left()
	l.cfg.Logger.Info("Stopping: no new messages; waiting for those in hand.",
		"running", l.size-l.free, "drainSeconds", l.cfg.Drain.Seconds(), "recycle", l.recycles, "messages", l.started)
}

// drained carries the drain forward and says whether the loop may end: nothing
// runs and all acknowledgements stuck, or else the time is over. A message that
// an Await still receives is given back by Leave.
func (l *loop) drained(now time.Time) bool {
	if !l.draining() {
		return false
	}
	// What Leave puts back on waiting must not land in our own inbox.
	mayLand := l.awaiting && l.Worker.work.Err() != nil
	if l.free == l.size && len(l.acks) == 0 && l.air.flying == 0 && len(l.air.failed) == 0 && !l.surplus && !mayLand {
		return true
	}
	if now.Before(l.drainBy) {
		return false
	}
	if l.Worker.work.Err() == nil {
		l.cut(ErrDraining)
	}
	if now.Before(l.drainBy.Add(windUp)) {
		return false
	}
	l.cfg.Logger.Warn("Stopping although handlers still run; their messages count as a lost worker's.",
		"running", l.size-l.free, "unacknowledged", len(l.acks))
	return true
}

// nextDrainStep returns when drained has something to do.
func (l *loop) nextDrainStep(now time.Time) time.Time {
	if now.Before(l.drainBy) {
		return l.drainBy
	}
	return l.drainBy.Add(windUp)
}
