package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/asyncqueue/operator/test/fault/ledger"
)

// follower reads a ledger while it is written.
type follower struct {
	name string

	mu      sync.Mutex
	offset  int64
	entries []ledger.Entry
}

// read returns all entries there are by now.
func (f *follower) read() ([]ledger.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.Open(f.name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("following the ledger: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.NewSectionReader(file, f.offset, 1<<40))
	if err != nil {
		return nil, fmt.Errorf("following the ledger: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	more, err := ledger.Read(bytes.NewReader(whole))
	if err != nil {
		return nil, err
	}
	f.offset += int64(len(whole))
	f.entries = append(f.entries, more...)
	return f.entries[:len(f.entries):len(f.entries)], nil
}
