package exechandler

import (
	"strings"
	"sync"
)

// keptOutput is how much of a command's output is kept as the reason of a
// failure: its end, where errors stand.
const keptOutput = 2048

// tail keeps the end of what is written to it.
type tail struct {
	mu    sync.Mutex
	bytes []byte
	cut   bool
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bytes = append(t.bytes, p...)
	if extra := len(t.bytes) - keptOutput; extra > 0 {
		t.bytes = append(t.bytes[:0], t.bytes[extra:]...)
		t.cut = true
	}
	return len(p), nil
}

// String returns what was kept, with a mark where the beginning is missing.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.bytes), "\uFFFD"))
	if t.cut {
		return "..." + text
	}
	return text
}
