package command_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/command"
)

// asWorker makes this test's program a worker whose handlers are testJobs.
const asWorker = "COMMAND_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		command.Main(testJobs())
	}
	redistest.Main(m)
}

// testJobs sleep as long as their parameter ms says, and tell the standard output
// when they begin and end.
func testJobs() *worker.Mux {
	var mu sync.Mutex
	say := func(what, id string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, id)
	}
	mux := worker.NewMux()
	mux.HandleFunc("sleep", func(_ context.Context, job *worker.Job) error {
		var parameters struct{ MS int }
		if err := job.Bind(&parameters); err != nil {
			return worker.Fail(err)
		}
		say("began", job.ID)
		time.Sleep(time.Duration(parameters.MS) * time.Millisecond) // the work of the job
		say("ended", job.ID)
		return nil
	})
	mux.HandleFunc("wait", func(ctx context.Context, job *worker.Job) error {
		say("began", job.ID)
		<-ctx.Done()
		say("ended", job.ID)
		return context.Cause(ctx)
	})
	mux.HandleFunc("write", func(ctx context.Context, job *worker.Job) error {
		var parameters struct{ MS int }
		if err := job.Bind(&parameters); err != nil {
			return worker.Fail(err)
		}
		say("began", fmt.Sprint(job.ID, " ", job.Fence))
		for end := time.Now().Add(time.Duration(parameters.MS) * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if ctx.Err() != nil {
				say("cut off", fmt.Sprint(job.ID, ": ", context.Cause(ctx)))
				return ctx.Err()
			}
			say("wrote", fmt.Sprint(job.ID, " ", time.Now().UnixNano()))
		}
		say("ended", job.ID)
		return nil
	})
	return mux
}

// process is a worker in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}

	mu    sync.Mutex
	lines map[string]int // of the standard output
	log   strings.Builder
}

func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], args...) //nolint:gosec // this test's own program
	cmd.Env = append(os.Environ(), asWorker+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &process{t: t, cmd: cmd, ended: make(chan struct{}), lines: make(map[string]int)}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = p
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the death signal comes when the thread dies that started the process
		err := cmd.Start()
		started <- err
		if err == nil {
			p.wait(out)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("log of the worker:\n%s", p.logged())
		}
	})
	return p
}

func (p *process) wait(out io.Reader) {
	defer close(p.ended)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		p.mu.Lock()
		p.lines[lines.Text()]++
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // the state tells
}

// Write takes the log.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// said counts the lines of the standard output that begin with prefix.
func (p *process) said(prefix string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for line, times := range p.lines {
		if strings.HasPrefix(line, prefix) {
			n += times
		}
	}
	return n
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// awaitExit waits for the end and returns the exit status.
func (p *process) awaitExit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		p.t.Fatalf("the worker still runs after %s", within)
		return -1
	}
}

// await waits until is true.
func await(t *testing.T, within time.Duration, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sleeper writes a message for the job sleep.
func sleeper(id string, d time.Duration) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"sleep","id":%q,"source":"test","data":{"ms":%d}}`, id, d.Milliseconds())
}

func sleepers(n int, d time.Duration) []string {
	list := make([]string, 0, n)
	for i := range n {
		list = append(list, sleeper(fmt.Sprintf("m%d", i), d))
	}
	return list
}
