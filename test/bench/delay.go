package main

import (
	"io"
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// delayer passes TCP connections on to a server, every byte later by the same time in each
// direction, and keeps the throughput: what arrives while other bytes are on their way travels with
// its own delay. Each direction has a thread of its own that sleeps by nanosleep, since the timers
// of the Go runtime are only as fine as a millisecond when a process is idle.
type delayer struct {
	listener net.Listener
	target   string
	delay    time.Duration

	mu    sync.Mutex
	conns []net.Conn // closed at the end
}

// newDelayer listens on loopback. roundTrip is what it adds to a question and its answer together.
func newDelayer(target string, roundTrip time.Duration) (*delayer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &delayer{listener: listener, target: target, delay: roundTrip / 2}
	go d.accept()
	return d, nil
}

func (d *delayer) addr() string { return d.listener.Addr().String() }

func (d *delayer) close() {
	_ = d.listener.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		_ = c.Close()
	}
}

func (d *delayer) accept() {
	for {
		near, err := d.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", d.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		d.mu.Lock()
		d.conns = append(d.conns, near, far)
		d.mu.Unlock()
		go d.pass(near, far)
		go d.pass(far, near)
	}
}

// parcel is bytes on their way.
type parcel struct {
	bytes []byte
	due   time.Time
}

// pass carries bytes one way until either side closes.
func (d *delayer) pass(from, to net.Conn) {
	road := make(chan parcel, 1024)
	go deliver(to, road)
	defer close(road)
	for {
		buffer := make([]byte, 64<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			road <- parcel{bytes: buffer[:n], due: time.Now().Add(d.delay)}
		}
		if err != nil {
			return
		}
	}
}

func deliver(to io.WriteCloser, road <-chan parcel) {
	runtime.LockOSThread() // never unlocked: the thread, whose timers were changed, ends with the goroutine
	sharpenTimers()
	defer func() { _ = to.Close() }()
	for p := range road {
		if wait := time.Until(p.due); wait > 0 {
			ts := syscall.NsecToTimespec(int64(wait))
			_ = syscall.Nanosleep(&ts, nil)
		}
		if _, err := to.Write(p.bytes); err != nil {
			for range road { //nolint:revive // the reader must not block
			}
			return
		}
	}
}

// sharpenTimers makes sleeps of this thread end within a microsecond of their time instead of 50.
func sharpenTimers() {
	const setTimerSlack, nanoseconds = 29, 1
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, nanoseconds, 0)
}
