package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// trialTimeout bounds one trial, whatever hangs.
const trialTimeout = 3 * time.Minute

// result is what one trial found. Costs are those of the time between warm and done.
type result struct {
	Rate      float64 `json:"messagesPerSecond,omitempty"`
	RedisCPU  float64 `json:"redisSecondsPer100k,omitempty"`
	WorkerCPU float64 `json:"workerSecondsPer100k,omitempty"`
	Commands  float64 `json:"commandsPerMessage,omitempty"`
	MemoryMiB float64 `json:"memoryMiB"` // the most that the process had resident
	P50       float64 `json:"p50Milliseconds,omitempty"`
	P99       float64 `json:"p99Milliseconds,omitempty"`
	Lost      int64   `json:"lost"`
	Twice     int64   `json:"twice"`
}

// trial runs one contender in one scenario, with a Redis server and a process of their own.
type trial struct {
	scenario scenario
	entry    entry
	messages int
	profile  string // file; empty = none

	rdb     *redis.Client
	cmd     *exec.Cmd
	lines   *bufio.Scanner
	setup   setup
	result  result
	account account
}

func (t *trial) run(ctx context.Context) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := redistest.Launch(dir)
	if err != nil {
		return result{}, err
	}
	defer server.Stop()
	t.rdb = connect(server.Addr, 2*producers)
	defer func() { _ = t.rdb.Close() }()
	addr := server.Addr
	if t.scenario.roundTrip > 0 {
		between, err := newDelayer(addr, t.scenario.roundTrip)
		if err != nil {
			return result{}, err
		}
		defer between.close()
		addr = between.addr()
	}
	t.setup = setup{
		Contender: t.entry.contender, Kind: t.entry.kind, Addr: addr, Workers: max(t.scenario.workers, 1),
		Concurrency: t.scenario.concurrency, Handle: t.scenario.handle, Messages: t.messages,
		Warm: max(t.messages/10, 1), Sample: t.scenario.idle, Profile: t.profile,
	}
	if err := t.measure(ctx); err != nil {
		return result{}, fmt.Errorf("running %s, %s: %w", t.scenario.name, t.entry.name, err)
	}
	return t.result, nil
}

func (t *trial) measure(ctx context.Context) error {
	m := newMould(t.setup.Kind)
	if !t.setup.Sample {
		all := make([][]byte, t.messages)
		for i := range all {
			all[i] = m.make(i, time.Now())
		}
		if err := contenders[t.setup.Contender].produce(ctx, t.rdb, all); err != nil {
			return err
		}
	}
	if err := t.start(ctx); err != nil {
		return err
	}
	defer func() { _ = t.cmd.Process.Kill(); _ = t.cmd.Wait() }()
	if t.setup.Sample {
		if err := t.pushOneByOne(ctx, m); err != nil {
			return err
		}
	}
	return t.follow(ctx)
}

// start starts the contender's process, which ends with this one.
func (t *trial) start(ctx context.Context) error {
	text, err := json.Marshal(t.setup)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t.cmd = exec.CommandContext(ctx, self)
	t.cmd.Env = append(os.Environ(), contenderVariable+"="+string(text))
	t.cmd.Stderr = &tail{}
	if _, err := t.cmd.StdinPipe(); err != nil { // its end tells the process that nobody listens
		return err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	t.lines = bufio.NewScanner(out)
	t.lines.Buffer(nil, 64<<20)
	return t.cmd.Start()
}

// pushOneByOne pushes a message when the one before was handled and a while has passed.
func (t *trial) pushOneByOne(ctx context.Context, m mould) error {
	time.Sleep(time.Second) // until all workers wait: asynq and the naive ones tell nobody when they do
	for i := range t.messages {
		// The idle scenarios measure a push to a worker that waits, at no fixed beat.
		time.Sleep(5*time.Millisecond + rand.N(15*time.Millisecond))
		if err := contenders[t.setup.Contender].produce(ctx, t.rdb, [][]byte{m.make(i, time.Now())}); err != nil {
			return err
		}
		if err := t.await(sayHandled); err != nil {
			return err
		}
	}
	return nil
}

// await reads the process's lines up to a word.
func (t *trial) await(word string) error {
	for t.lines.Scan() {
		if t.lines.Text() == word {
			return nil
		}
	}
	return t.died()
}

func (t *trial) died() error {
	return fmt.Errorf("the process ended early: %s", t.cmd.Stderr)
}

// follow watches the process to its end, and takes stock.
func (t *trial) follow(ctx context.Context) error {
	var warm, done usage
	for t.lines.Scan() {
		var err error
		switch line := t.lines.Text(); line {
		case sayWarm:
			warm, err = t.usage(ctx)
		case sayDone:
			done, err = t.usage(ctx)
		case sayHandled:
		default:
			err = json.Unmarshal([]byte(line), &t.account)
		}
		if err != nil {
			return err
		}
	}
	if t.account.Handled == 0 {
		return t.died()
	}
	if err := t.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, t.cmd.Stderr)
	}
	t.costs(warm, done)
	return t.losses(ctx)
}

func (t *trial) usage(ctx context.Context) (usage, error) {
	return usageOf(ctx, t.rdb, t.setup.Contender != "naive")
}

func (t *trial) costs(warm, done usage) {
	count := float64(t.messages - t.setup.Warm)
	t.result.MemoryMiB = t.account.MemoryMiB
	if t.setup.Sample {
		slices.Sort(t.account.Ages)
		t.result.P50, t.result.P99 = percentile(t.account.Ages, 50), percentile(t.account.Ages, 99)
		return
	}
	t.result.Rate = count / t.account.Seconds
	t.result.WorkerCPU = t.account.CPUSeconds / count * 100_000
	t.result.RedisCPU = (done.cpu - warm.cpu) / count * 100_000
	t.result.Commands = (done.commands - warm.commands) / count
}

// losses counts what was pushed, but neither handled nor left in Redis; all was handled, so that
// what stands in Redis now would be handled once more.
func (t *trial) losses(ctx context.Context) error {
	left, err := contenders[t.setup.Contender].left(ctx, t.rdb)
	if err != nil {
		return err
	}
	t.result.Lost = int64(t.messages) - t.account.Handled
	t.result.Twice = t.account.Twice + left
	return nil
}

// percentile returns the p-th of sorted nanoseconds in milliseconds.
func percentile(sorted []int64, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)-1)*p/100]) / 1e6
}

// tail keeps the last words of a process.
type tail struct{ bytes []byte }

var _ io.Writer = (*tail)(nil)

// Write keeps the end of what was written so far.
func (t *tail) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p...)
	t.bytes = t.bytes[max(len(t.bytes)-4096, 0):]
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string { return string(t.bytes) }
