package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// The words that a contender's process says on its standard output, one a line.
const (
	sayWarm    = "warm"    // the clock starts
	sayHandled = "handled" // a sampled message was handled
	sayDone    = "done"    // the last message was handled
)

// account is the last line of a contender's process.
type account struct {
	Seconds    float64 `json:"seconds"`    // from warm to done
	CPUSeconds float64 `json:"cpuSeconds"` // of this process in that time
	MemoryMiB  float64 `json:"memoryMiB"`  // the most that was resident up to done
	Handled    int64   `json:"handled"`
	Twice      int64   `json:"twice"`
	Ages       []int64 `json:"ages"` // nanoseconds from push to handler, of sampled messages
}

// process is one contender at work in a process of its own, so that its memory and CPU time are
// its own.
type process struct {
	setup setup
	mould mould
	tally *tally
	done  context.CancelFunc

	mu        sync.Mutex // guards what follows
	out       io.Writer
	account   account
	warm      time.Time
	warmUsage float64
}

// serve is the whole life of a contender's process.
func serve(text string, out io.Writer) error {
	var s setup
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("reading the setup: %w", err)
	}
	redis.SetLogger(quiet{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1) // who started this process is gone
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &process{setup: s, mould: newMould(s.Kind), tally: newTally(s.Messages), done: cancel, out: out}
	failures := make([]error, s.Workers)
	var workers sync.WaitGroup
	for i := range failures {
		workers.Go(func() { failures[i] = contenders[s.Contender].consume(ctx, s, p.handle) })
	}
	workers.Wait()
	p.account.Handled, p.account.Twice = p.tally.count.Load(), p.tally.twice.Load()
	line, err := json.Marshal(p.account)
	p.say(string(line))
	return errors.Join(append(failures, err)...)
}

// handle is every contender's handler.
func (p *process) handle(message []byte) {
	if p.setup.Sample {
		p.sample(p.mould.ageOf(message, time.Now()))
	}
	if p.setup.Handle > 0 {
		time.Sleep(p.setup.Handle) // the work of the handler in this scenario
	}
	switch p.tally.mark(p.mould.numberOf(message)) {
	case int64(p.setup.Warm):
		p.start()
	case int64(p.setup.Messages):
		p.stop()
	}
}

func (p *process) sample(age time.Duration) {
	p.mu.Lock()
	p.account.Ages = append(p.account.Ages, int64(age))
	p.mu.Unlock()
	p.say(sayHandled)
}

func (p *process) start() {
	p.mu.Lock()
	p.startProfile()
	p.warm, p.warmUsage = time.Now(), cpuSeconds()
	p.mu.Unlock()
	p.say(sayWarm)
}

// startProfile begins a CPU profile where one was asked for.
func (p *process) startProfile() {
	if p.setup.Profile == "" {
		return
	}
	file, err := os.Create(p.setup.Profile)
	if err == nil {
		err = pprof.StartCPUProfile(file) // the file is written until the process ends
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiling:", err)
	}
}

func (p *process) stop() {
	p.mu.Lock()
	p.account.Seconds, p.account.CPUSeconds = time.Since(p.warm).Seconds(), cpuSeconds()-p.warmUsage
	p.account.MemoryMiB = mostMemory()
	pprof.StopCPUProfile()
	p.mu.Unlock()
	p.say(sayDone)
	p.done()
}

func (p *process) say(word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintln(p.out, word) // nobody listens any more: the other side ends this process
}

// cpuSeconds returns the CPU time that this process has used.
func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// quiet keeps the Redis client from writing what it also returns.
type quiet struct{}

// Printf drops the line.
func (quiet) Printf(context.Context, string, ...any) {}

// isContender says whether this process was started as a contender, and with what.
func isContender() (string, bool) { return os.LookupEnv(contenderVariable) }

const contenderVariable = "ASYNCQUEUE_BENCH_CONTENDER"
