package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// What names what a worker did.
type What string

// What workers write down. The first three are about the worker, Began and Ended come from its
// handler, the others from its store, after Redis has answered.
const (
	Joined  What = "joined"  // the worker registered, under a new name
	Evicted What = "evicted" // Redis told the worker that it had been taken for dead
	Left    What = "left"    // the worker gave everything back and said goodbye

	Claimed  What = "claimed"  // the message is in the worker's hand
	Began    What = "began"    // its handler was called
	Ended    What = "ended"    // its handler ended well
	Acked    What = "acked"    // Redis took the acknowledgement
	Late     What = "late"     // ... of a run whose message stands in timeout
	Expired  What = "expired"  // the run passed its deadline; the message stands in timeout
	Retried  What = "retried"  // the message stands in delayed, with an attempt more
	Failed   What = "failed"   // the message stands in failed
	Released What = "released" // the message stands in waiting again, its run never began
	Lost     What = "lost"     // Redis says that the run was not in hand any more
)

// Entry is one line of a ledger.
type Entry struct {
	At      int64  `json:"at"` // nanoseconds since 1970
	Pid     int    `json:"pid"`
	Life    string `json:"life"` // the worker's name in Redis at that time
	What    What   `json:"what"`
	ID      string `json:"id,omitempty"`      // of the message; empty in entries about the worker
	Attempt int    `json:"attempt,omitempty"` // from 1
	Run     uint64 `json:"run,omitempty"`     // unknown to the handler: absent in Began and Ended
}

// Time returns when the entry was written.
func (e Entry) Time() time.Time { return time.Unix(0, e.At) }

// Writer appends entries to a file that several processes share. It is safe for concurrent use.
type Writer struct {
	file *os.File
	pid  int
}

// Open returns a writer that appends to the file, which is made where it is missing.
func Open(name string) (*Writer, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // the suite's own
	if err != nil {
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	return &Writer{file: file, pid: os.Getpid()}, nil
}

// Write appends the entries in one call to the system, which adds them wholly or, where the process
// is killed before it, not at all. It sets their time and process.
func (w *Writer) Write(entries ...Entry) error {
	var lines []byte
	for _, e := range entries {
		e.At, e.Pid = time.Now().UnixNano(), w.pid
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("writing to the ledger: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := w.file.Write(lines); err != nil {
		return fmt.Errorf("writing to the ledger: %w", err)
	}
	return nil
}

// Read returns all entries of a ledger, in the order in which they were written.
func Read(r io.Reader) ([]Entry, error) {
	var entries []Entry
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("reading line %d of the ledger: %w", n, err)
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return entries, nil
}

// ReadFile returns all entries of a ledger; none where the file is missing.
func ReadFile(name string) ([]Entry, error) {
	file, err := os.Open(name) //nolint:gosec // the suite's own
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = file.Close() }()
	return Read(file)
}
