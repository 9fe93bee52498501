package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/asyncqueue/operator/internal/redistest"
)

// marathon is one long run of ours, to see whether its memory stays as it is.
type marathon struct {
	Messages  int       `json:"messages"`
	Seconds   float64   `json:"seconds"`
	Rate      float64   `json:"messagesPerSecond"`
	MemoryMiB []float64 `json:"memoryMiB"` // resident after each tenth
	Lost      int64     `json:"lost"`
	Twice     int64     `json:"twice"`
}

// Messages stand in Redis by this many at most, and are pushed by that many.
const (
	marathonBacklog = 100_000
	marathonPush    = 10_000
)

// runMarathon pushes messages while one worker with 100 slots handles them.
func runMarathon(ctx context.Context, messages int) (*marathon, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := redistest.Launch(dir)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	t := &trial{entry: entries[0], messages: messages, rdb: connect(server.Addr, 2)}
	defer func() { _ = t.rdb.Close() }()
	t.setup = setup{
		Contender: "ours", Kind: cloudEvents, Addr: server.Addr, Workers: 1, Concurrency: 100, Messages: messages, Warm: 1,
	}
	if err := t.start(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = t.cmd.Process.Kill(); _ = t.cmd.Wait() }()
	m := &marathon{Messages: messages}
	if err := errors.Join(m.feed(ctx, t), t.follow(ctx)); err != nil {
		return nil, fmt.Errorf("running the long run: %w", err)
	}
	m.Seconds, m.Rate, m.Lost, m.Twice = t.account.Seconds, t.result.Rate, t.result.Lost, t.result.Twice
	return m, nil
}

// feed keeps the worker busy, and looks at its memory after each tenth.
func (m *marathon) feed(ctx context.Context, t *trial) error {
	mould := newMould(t.setup.Kind)
	for pushed := 0; pushed < m.Messages; {
		waiting, err := t.rdb.LLen(ctx, channel+":waiting").Result()
		if err != nil {
			return err
		}
		if waiting > marathonBacklog-marathonPush {
			time.Sleep(20 * time.Millisecond) // Redis tells nobody when a list has become shorter
			continue
		}
		part := make([][]byte, min(marathonPush, m.Messages-pushed))
		for i := range part {
			part[i] = mould.make(pushed+i, time.Now())
		}
		if err := pushAll(ctx, t.rdb, part); err != nil {
			return err
		}
		pushed += len(part)
		if pushed*10/m.Messages > len(m.MemoryMiB) {
			resident, err := statusMiB(t.cmd.Process.Pid, "VmRSS:")
			if err != nil {
				return err
			}
			m.MemoryMiB = append(m.MemoryMiB, resident)
		}
	}
	return nil
}

func (m *marathon) print(out io.Writer) {
	fmt.Fprintf(out, "long run: %d messages in %.0f s (%.0f/s), lost %d, twice %d; resident MiB after each tenth: %.1f\n",
		m.Messages, m.Seconds, m.Rate, m.Lost, m.Twice, m.MemoryMiB)
}
