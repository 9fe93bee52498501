package main

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// pauseBetweenTrips tells one round trip from the next: a pipeline's bytes follow
// each other at once, the poller's are a third of a second apart.
const pauseBetweenTrips = 100 * time.Millisecond

// wire is a proxy in front of a Redis. It counts round trips, and can go silent
// with its connections open, as a machine does that has lost power.
type wire struct {
	target   string
	listener net.Listener

	mu      sync.Mutex
	open    int
	trips   int
	last    time.Time
	longest time.Duration
	// hole is closed when the wire speaks again; nil while it does.
	hole chan struct{}
}

// newWire listens on loopback. The caller has to close it.
func newWire(ctx context.Context, target string) (*wire, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{target: target, listener: listener}
	go w.serve(ctx)
	return w, nil
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) close() {
	w.speak()
	_ = w.listener.Close()
}

func (w *wire) serve(ctx context.Context) {
	for {
		from, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.carry(ctx, from)
	}
}

// carry passes on what both sides say until one of them ends.
func (w *wire) carry(ctx context.Context, from net.Conn) {
	defer func() { _ = from.Close() }()
	to, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.target)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	w.opened(1)
	defer w.opened(-1)
	ended := make(chan struct{}, 2)
	go func() { w.pump(to, from, w.count); ended <- struct{}{} }()
	go func() { w.pump(from, to, func() {}); ended <- struct{}{} }()
	<-ended
}

func (w *wire) pump(to io.Writer, from io.Reader, seen func()) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			seen()
			w.await()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) opened(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open += n
}

func (w *wire) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if pause := now.Sub(w.last); pause > pauseBetweenTrips {
		w.trips++
		if !w.last.IsZero() {
			w.longest = max(w.longest, pause)
		}
	}
	w.last = now
}

// await waits while the wire is silent.
func (w *wire) await() {
	w.mu.Lock()
	hole := w.hole
	w.mu.Unlock()
	if hole != nil {
		<-hole
	}
}

func (w *wire) silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hole == nil {
		w.hole = make(chan struct{})
	}
}

func (w *wire) speak() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hole != nil {
		close(w.hole)
		w.hole = nil
	}
}

// traffic is what was seen since the wire was reset.
type traffic struct {
	// open is how many connections there are now.
	open int
	// trips is how many round trips were begun, longest the longest time between
	// two of them.
	trips   int
	longest time.Duration
}

func (w *wire) traffic() traffic {
	w.mu.Lock()
	defer w.mu.Unlock()
	return traffic{w.open, w.trips, w.longest}
}

func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trips, w.longest = 0, 0
}
