package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/asyncqueue/operator/test/fault/crew"
)

// stopPatience is how long a worker may take to stop in order.
const stopPatience = 30 * time.Second

// fleet is a number of worker processes. A place whose process was killed gets another one.
type fleet struct {
	dir   string
	order func(place int) crew.Order

	mu      sync.Mutex
	places  map[int]*member
	killed  map[int]time.Time // by pid
	cutOff  map[int]bool      // by pid
	crashed []string          // ends that nobody asked for
	closing bool
	respawn sync.WaitGroup
}

// member is one worker process.
type member struct {
	place  int
	pid    int
	frozen bool
	asked  bool // to end in order
	cmd    *exec.Cmd
	ended  chan struct{}
}

func newFleet(dir string, order func(place int) crew.Order) *fleet {
	return &fleet{dir: dir, order: order, places: map[int]*member{}, killed: map[int]time.Time{}, cutOff: map[int]bool{}}
}

// start fills a place.
func (f *fleet) start(place int) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	log, err := os.OpenFile(f.logName(place), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	defer func() { _ = log.Close() }()
	f.mu.Lock() // until the member is known: its end waits for that
	defer f.mu.Unlock()
	m := &member{place: place, ended: make(chan struct{}), cmd: exec.Command(program)} //nolint:gosec,noctx // this very program; stop ends it
	m.cmd.Env = append(os.Environ(), crew.Variable+"="+f.order(place).Text(), "GOMAXPROCS=2")
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the death signal follows the thread that started the process
		err := m.cmd.Start()
		started <- err
		if err == nil {
			_ = m.cmd.Wait() // its state tells
			f.buried(m)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	m.pid = m.cmd.Process.Pid
	f.places[place] = m
	return nil
}

func (f *fleet) logName(place int) string {
	return filepath.Join(f.dir, "worker-"+strconv.Itoa(place)+".log")
}

// buried notes how a process ended, and fills its place again.
func (f *fleet) buried(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer close(m.ended)
	pid := m.cmd.Process.Pid
	status, _ := m.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case status.Signaled() && status.Signal() == syscall.SIGKILL:
		if _, known := f.killed[pid]; !known {
			f.killed[pid] = time.Now()
		}
	case !m.asked || status.ExitStatus() != 0:
		f.crashed = append(f.crashed, fmt.Sprintf("worker %d ended by itself: %v", m.place, m.cmd.ProcessState))
	}
	if f.closing || m.asked {
		return
	}
	f.respawn.Go(func() {
		if err := f.start(m.place); err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.crashed = append(f.crashed, err.Error())
		}
	})
}

// pick returns the members, in the order of their places, that a condition holds for; nil: all.
func (f *fleet) pick(which func(*member) bool) []*member {
	f.mu.Lock()
	defer f.mu.Unlock()
	var picked []*member
	for _, place := range slices.Sorted(maps.Keys(f.places)) {
		m := f.places[place]
		if which == nil || which(m) {
			picked = append(picked, m)
		}
	}
	return picked
}

// alive returns the processes that run and are not frozen.
func (f *fleet) alive() []int {
	members := f.pick(func(m *member) bool { return !m.frozen && !m.asked && !m.isOver() })
	pids := make([]int, 0, len(members))
	for _, m := range members {
		if _, killed := f.deaths()[m.pid]; !killed {
			pids = append(pids, m.pid)
		}
	}
	return pids
}

func (m *member) isOver() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// kill ends a process as the kernel does when memory is short.
func (f *fleet) kill(m *member) {
	f.mu.Lock()
	f.killed[m.pid] = time.Now()
	f.mu.Unlock()
	_ = m.cmd.Process.Kill()
}

// freeze stops a process in its tracks, thaw lets it go on.
func (f *fleet) freeze(m *member) { f.mark(m, true); _ = m.cmd.Process.Signal(syscall.SIGSTOP) }
func (f *fleet) thaw(m *member)   { f.mark(m, false); _ = m.cmd.Process.Signal(syscall.SIGCONT) }

func (f *fleet) mark(m *member, frozen bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.frozen = frozen
	f.cutOff[m.pid] = true
}

// cut notes that members may be taken for dead from now on, since they cannot reach Redis.
func (f *fleet) cut(members ...*member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range members {
		f.cutOff[m.pid] = true
	}
}

// deaths returns who was killed, and when.
func (f *fleet) deaths() map[int]time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.killed)
}

// leave asks one member to stop in order and waits for it.
func (f *fleet) leave(m *member) error {
	f.mu.Lock()
	m.asked = true
	f.mu.Unlock()
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-m.ended:
		return nil
	case <-time.After(stopPatience):
		_ = m.cmd.Process.Kill()
		<-m.ended
		return fmt.Errorf("stopping worker %d: still there after %s", m.place, stopPatience)
	}
}

// stop ends all members in order.
func (f *fleet) stop() error {
	f.close()
	var group sync.WaitGroup
	failures := make(chan error, len(f.places))
	for _, m := range f.pick(func(m *member) bool { return !m.isOver() }) {
		group.Go(func() { failures <- f.leave(m) })
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

// close keeps places from being filled again.
func (f *fleet) close() {
	f.mu.Lock()
	f.closing = true
	f.mu.Unlock()
	f.respawn.Wait()
}

// abandon ends all members at once, whatever they do.
func (f *fleet) abandon() {
	f.close()
	for _, m := range f.pick(nil) {
		_ = m.cmd.Process.Kill()
		<-m.ended
	}
}
