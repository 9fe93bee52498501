//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// spawner starts every process from one OS thread that lives as long as this
// program: the kernel kills the children when the thread that made them ends,
// so they do not outlive a hostnode that was killed.
type spawner struct {
	requests chan spawnRequest
}

type spawnRequest struct {
	cmd  *exec.Cmd
	done chan error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest)}
	go func() {
		runtime.LockOSThread()
		for r := range s.requests {
			r.done <- r.cmd.Start()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	r := spawnRequest{cmd: cmd, done: make(chan error, 1)}
	s.requests <- r
	return <-r.done
}

// process is a running program with all its descendants: they share a session
// and a mark, which is what stands for the container's process namespace.
type process struct {
	pid  int
	mark string
	cmd  *exec.Cmd
	done chan struct{} // closed when all of it is gone and its output is copied
	exit exit          // to be read after done
}

// output is where a program's standard output and error go, line by line.
type output interface {
	copyFrom(r *os.File) error
}

// startProcess starts a program in a session of its own.
func startProcess(s *spawner, p program, out output) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the output pipe: %w", err)
	}
	defer func() { _ = w.Close() }()       // the program has its own copy
	cmd := exec.Command(p.path, p.args...) //nolint:noctx // it ends by signals; a context would take its grace period away
	cmd.Env = append(slices.Clone(p.env), markName+"="+p.mark)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.start(cmd); err != nil {
		_ = r.Close() // nobody writes to it
		return nil, fmt.Errorf("starting %q: %w", p.path, err)
	}
	proc := &process{pid: cmd.Process.Pid, mark: p.mark, cmd: cmd, done: make(chan struct{})}
	go proc.supervise(r, out)
	return proc, nil
}

// supervise waits for the end of the program, ends what it left behind and
// collects the rest of the output.
func (p *process) supervise(r *os.File, out output) {
	defer close(p.done)
	defer func() { _ = r.Close() }() // it was only read
	copied := make(chan error, 1)
	go func() { copied <- out.copyFrom(r) }()
	waitUnreaped(p.pid)
	killFamily(p.pid, p.mark) // before the pid is reaped and may be used again
	err := p.cmd.Wait()
	// A descendant that got away may hold the pipe: do not wait for it.
	_ = r.SetReadDeadline(time.Now().Add(time.Second))
	copyErr := <-copied
	p.exit = exitOf(p.cmd.ProcessState, err)
	if copyErr != nil && !errors.Is(copyErr, os.ErrDeadlineExceeded) {
		p.exit.message = fmt.Sprintf("copying the output: %v", copyErr)
	}
}

// stop asks the program to end, as SIGTERM to a container's first process
// does, and kills all of it after the grace period. It does not wait.
func (p *process) stop(grace time.Duration) {
	if grace > 0 {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it is gone
	}
	go func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.done:
		case <-timer.C:
			_ = p.cmd.Process.Kill() // the others follow in supervise
		}
	}()
}

// exitOf turns the end of a process into what a container status has.
func exitOf(state *os.ProcessState, err error) exit {
	if state == nil {
		return exit{code: 255, message: fmt.Sprintf("waiting for the process: %v", err)}
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		sig := int32(ws.Signal())
		return exit{code: 128 + sig, signal: sig}
	}
	return exit{code: int32(state.ExitCode())}
}

// waitUnreaped blocks until the child has ended and leaves it to be reaped.
func waitUnreaped(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
