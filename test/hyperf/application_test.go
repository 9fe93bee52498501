// Package hyperf_test lets a Hyperf application and our worker share a channel, with each of them
// killed at every point. The application is standin.php, which needs PHP with phpredis
// (`make php`); that it sends what real Hyperf sends is the first thing that is tested.
package hyperf_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/queue"
)

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		if err := workerMain(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := parallel.Value.Set("12"); err != nil { // they mostly wait for seconds to pass
			panic(err)
		}
	}
	redistest.Main(m)
}

// channel is one channel on the shared server.
type channel struct {
	addr  string
	name  string
	rdb   *redis.Client
	queue *queue.Queue
}

var channels atomic.Int64

func newChannel(t *testing.T) *channel {
	t.Helper()
	c := &channel{addr: redistest.Shared(t), name: fmt.Sprintf("{shared-%d}", channels.Add(1))}
	c.rdb = redis.NewClient(&redis.Options{Addr: c.addr, MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { _ = c.rdb.Close() })
	var err error
	if c.queue, err = queue.New(c.rdb, c.name); err != nil {
		t.Fatal(err)
	}
	return c
}

// process is a program that tells what it does, a line at a time.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	tell  func(line string)
	ended chan struct{}
}

// php starts the stand-in. Each line that it tells is given to tell. It kills itself after killAfter
// commands; 0: it does not.
func (c *channel) php(t *testing.T, tell func(line string), killAfter int, steps ...string) *process {
	t.Helper()
	program, err := exec.LookPath("php")
	if err != nil {
		t.Fatalf("finding php: %v: install it with its extension for Redis (`make php`)", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, //nolint:gosec // the program is ours to choose
		append([]string{"standin.php", c.addr, c.name}, steps...)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("KILL_AFTER=%d", killAfter))
	return start(t, cmd, tell)
}

func start(t *testing.T, cmd *exec.Cmd, tell func(line string)) *process {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: cmd, tell: tell, ended: make(chan struct{})}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the death signal comes when the thread dies that started the process
		err := cmd.Start()
		started <- err
		if err == nil {
			p.follow(out)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.ended
	})
	return p
}

func (p *process) follow(out io.Reader) {
	defer close(p.ended)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if p.tell != nil {
			p.tell(lines.Text())
		}
	}
	_ = p.cmd.Wait() // the state tells
}

func (p *process) isDead() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// wait waits for the end and says whether the process was killed. An end in trouble fails the test.
func (p *process) wait() (killed bool) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Fatalf("%s still runs after a minute", p.cmd)
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		p.t.Fatal(errors.New("want a status as Unix has it"))
	}
	killed = status.Signaled() && status.Signal() == syscall.SIGKILL
	if !killed && p.cmd.ProcessState.ExitCode() != 0 {
		p.t.Fatalf("%s ended with %s", p.cmd, p.cmd.ProcessState)
	}
	return killed
}

// stop lets a serving process end what it does, and waits for that.
func (p *process) stop() {
	p.t.Helper()
	_ = p.stdin.Close()
	p.wait()
}

// await waits until is true.
func await(t *testing.T, within time.Duration, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", within, what)
		}
		<-ticker.C
	}
}

// steps joins steps that are one or several words each.
func steps(parts ...any) []string {
	var words []string
	for _, part := range parts {
		switch p := part.(type) {
		case string:
			words = append(words, strings.Fields(p)...)
		case []string:
			words = append(words, p...)
		}
	}
	return words
}
