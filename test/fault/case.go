package main

import (
	"context"
	"time"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/test/fault/crew"
	"github.com/asyncqueue/operator/test/fault/ledger"
)

// faultCase is one row of the table.
type faultCase struct {
	name    string
	setting setting
	// open starts Redis and sets what the scene needs to reach it; nil: one server.
	open func(s *scene) error
	// play injects the fault again and again until ctx is done, and undoes it. The load goes on all
	// the while. A broken promise is told by scene.brokef; an error ends the play.
	play func(ctx context.Context, s *scene) error
	// unjudged rows are for comparison: they are expected to lose messages.
	unjudged bool
}

// setting is what a play's workers and messages are like. Zero fields have the defaults of setDefaults.
type setting struct {
	kind        crew.Kind
	workers     int
	concurrency int
	rate        int           // pushes a second
	handle      time.Duration // handle timeout
	retry       time.Duration
	loss        queue.LossPolicy
	mortality   float64
	poller      bool // the operator's poller looks after the channel too
	census      bool // dead workers are to be found, and what they held given back, within 10 s
	late        bool // some messages take longer than the handle timeout
	reload      bool // timeout is reloaded in the end, as the CronJob does
	undo        bool // Redis may forget moves: fail-over
}

func (s *setting) setDefaults() {
	if s.workers == 0 {
		s.workers = 4
	}
	if s.concurrency == 0 {
		s.concurrency = 8
	}
	if s.rate == 0 {
		s.rate = 150
	}
	if s.handle == 0 {
		s.handle = 30 * time.Second
	}
	if s.retry == 0 {
		s.retry = 300 * time.Millisecond
	}
	if s.loss == "" {
		s.loss = queue.Redeliver
	}
}

// facts collects what the checker needs.
func (s *scene) facts(pushed map[string]ledger.Pushed, entries []ledger.Entry, last standing) ledger.Facts {
	f := ledger.Facts{
		Pushed: pushed, Entries: entries, Standing: last.copies,
		Killed: s.fleet.deaths(), CutOff: s.fleet.cutOff, LastSeen: s.lastSeen, Reloaded: s.setting.reload,
	}
	if s.setting.undo {
		for _, span := range s.spans {
			f.Undone = append(f.Undone, ledger.Span{From: span.From.Add(-undoMargin), To: span.To.Add(undoMargin)})
		}
	}
	return f
}

// undoMargin is how far a replica may be behind its master.
const undoMargin = time.Second
