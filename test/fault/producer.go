package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/test/fault/ledger"
)

// pushers is how many pushes may be under way at once: some wait for an answer that does not come.
const pushers = 24

// producer pushes at an even rate and keeps the book.
type producer struct {
	queue *queue.Queue
	mix   *mix
	rate  int // messages a second
	book  ledger.Book
	trace *log.Logger // one line for each push

	// push puts copies of one message on the channel at once; nil: by queue.Push or PushDelayed.
	push func(ctx context.Context, p parcel) error
}

// run pushes until ctx is done. An error is one of making messages: those of Redis are part of the
// play.
func (p *producer) run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second / time.Duration(p.rate))
	defer ticker.Stop()
	var group sync.WaitGroup
	failures := make(chan error, pushers)
	for range pushers {
		group.Go(func() { failures <- p.pushOn(ctx, ticker.C) })
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// pushOn pushes a parcel at each tick.
func (p *producer) pushOn(ctx context.Context, ticks <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks:
		}
		one, err := p.mix.next()
		if err != nil {
			return fmt.Errorf("making a message: %w", err)
		}
		began := time.Now()
		err = p.send(one)
		p.trace.Printf("%s %d copies, delay %s, %s after %s: %v", one.id, one.copies, one.delay, p.note(one, err), time.Since(began), err)
	}
}

// send pushes whatever happens to ctx, since a push that was begun is to be answered.
func (p *producer) send(one parcel) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if p.push != nil {
		return p.push(ctx, one)
	}
	if one.delay > 0 {
		_, err := p.queue.PushDelayed(ctx, one.delay, one.body)
		return err
	}
	return p.queue.Push(ctx, one.repeated()...)
}

// repeated returns the copies.
func (p parcel) repeated() [][]byte {
	bodies := make([][]byte, p.copies)
	for i := range bodies {
		bodies[i] = p.body
	}
	return bodies
}

// note keeps the book and says what it wrote.
func (p *producer) note(one parcel, err error) string {
	word, write := "refused", func(string) {}
	switch {
	case err == nil:
		word, write = "confirmed", p.book.Confirm
	case errors.Is(err, queue.ErrUnknownOutcome):
		word, write = "in doubt", p.book.Doubt
	}
	for range one.copies {
		write(one.id)
	}
	return word
}
