package worker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asyncqueue/operator/queue"
)

const (
	// flights is how many exchanges may be on the way at once: while Redis works on one, the
	// runs of the other go on.
	flights = queue.MaxExchanges
	// exchangeLimit bounds what one exchange acknowledges and what it claims.
	exchangeLimit = 1000
	// smallestHalf is how many slots are worth a second exchange.
	smallestHalf = 4
)

// flight is one exchange on the way.
type flight struct {
	acks  []queue.RunID
	want  int    // slots that are kept free for what it claims
	life  uint64 // of the worker, when it took off
	finds uint64 // of the loop, when it took off

	got queue.Exchanged
	err error
}

// air is where the exchanges of a loop are. It belongs to the loop.
type air struct {
	flying  int          // exchanges on the way
	failed  []*flight    // those to be repeated
	asked   int          // slots that are kept free for all these
	spare   []*flight    // those that landed
	depart  chan *flight // to the couriers
	arrived chan *flight // from them
}

func newAir() air {
	return air{depart: make(chan *flight, flights), arrived: make(chan *flight, flights)}
}

// carry makes the calls, each courier one after the other, until the loop ends.
func (l *loop) carry() {
	for f := range l.air.depart {
		f.exchange(l)
		l.air.arrived <- f
	}
}

func (f *flight) exchange(l *loop) {
	f.got, f.err = l.cfg.Store.Exchange(l.Worker.life, f.acks, f.want)
}

// pressing says whether there is something to exchange now: enough, or anything at all where no exchange is
// on the way and no run is about to begin. Many small exchanges would cost Redis more than few large ones:
// what short runs have ended rides together, and nothing waits for a long one.
func (l *loop) pressing() bool {
	if l.air.flying == flights {
		return false
	}
	cargo := l.cargo()
	return len(l.air.failed) > 0 || cargo >= l.half() || cargo > 0 && l.air.flying == 0 && !l.crew.backlog.Load()
}

// cargo is how much there is for the next exchange.
func (l *loop) cargo() int { return max(len(l.acks), l.asks()) }

// half is what is worth a second exchange.
func (l *loop) half() int { return max((l.size+1)/2, smallestHalf) }

// listen sets the bell for what would be pressing, and says whether the loop may park, since it is not yet.
func (l *loop) listen(grounded bool) bool {
	cargo := l.cargo()
	switch {
	case grounded || l.air.flying == flights:
		l.bell.set(never, false, false)
	case l.air.flying > 0:
		l.bell.set(l.half()-cargo, false, false)
	default:
		l.bell.set(l.half()-cargo, true, cargo > 0)
	}
	return !l.bell.rings(&l.crew)
}

// asks returns how many messages the next exchange may claim.
func (l *loop) asks() int {
	n := 0
	if l.hungry && !l.draining() && l.turn.mine() {
		n = max(min(l.free-l.air.asked, exchangeLimit, l.left()-l.air.asked), 0)
	}
	if l.surplus && n == 0 && l.air.asked == 0 {
		n = 1 // it is handed back at once, to a worker that has a free slot
	}
	return n
}

// takeOff sends an exchange: one that failed, or else what is done and what is wanted.
func (l *loop) takeOff() {
	var f *flight
	if n := len(l.air.failed); n > 0 {
		f, l.air.failed = l.air.failed[n-1], l.air.failed[:n-1]
	} else {
		f = l.newFlight()
	}
	f.life, f.finds = l.lives.current(), l.finds
	l.air.flying++
	if l.free == l.size && l.air.flying == 1 { // nothing runs that could need the loop meanwhile
		f.exchange(l)
		l.land(f)
		return
	}
	l.air.depart <- f
}

func (l *loop) newFlight() *flight {
	f := &flight{}
	if n := len(l.air.spare); n > 0 {
		f, l.air.spare = l.air.spare[n-1], l.air.spare[:n-1]
	}
	acks := min(len(l.acks), exchangeLimit)
	f.acks = append(f.acks[:0], l.acks[:acks]...)
	f.want = l.asks()
	l.acks = slices.Delete(l.acks, 0, acks)
	l.air.asked += f.want
	if f.want > 0 {
		l.surplus = false
	}
	return f
}

// land takes in the answer of an exchange and starts what it brought.
func (l *loop) land(f *flight) {
	l.air.flying--
	switch {
	case errors.Is(f.err, queue.ErrEvicted):
		l.lives.end(f.life)
		l.abandon(f)
		return
	case f.err != nil:
		l.air.failed = append(l.air.failed, f)
		l.stumble(f.err)
		return
	}
	l.link.worked()
	l.pause.reset()
	got := f.got
	l.load.add(len(f.acks), len(got.Lost))
	l.load.claim(len(got.Runs))
	l.air.asked -= f.want
	switch {
	case f.want == 0:
	case len(got.Runs) >= f.want:
		l.hungry = true
	case f.finds == l.finds: // nothing was found since
		l.hungry = false
	}
	f.got = queue.Exchanged{}
	l.air.spare = append(l.air.spare, f)
	l.tellOversized(got.Oversized)
	l.noticeStop() // what came with this answer need not begin
	l.startAll(got.Runs)
}

// abandon gives up an exchange whose life of the worker has ended.
func (l *loop) abandon(f *flight) {
	l.air.asked -= f.want
	l.acks = append(l.acks, f.acks...)
}

// tellOversized emits that messages were too large to be claimed.
func (l *loop) tellOversized(sizes []int) {
	for _, size := range sizes {
		l.emit(Event{
			Kind: FailedHandle, Job: &Job{Type: oversized, Attempt: 1}, Moved: queue.Moved,
			Err: fmt.Errorf("a message of %d bytes is larger than allowed", size),
		})
	}
}
