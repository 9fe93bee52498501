package hyperf_test

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ledger counts what processes tell: "acked job-1" is a line under the word "acked".
type ledger struct {
	mu    sync.Mutex
	lines map[string]map[string]int
}

func newLedger() *ledger { return &ledger{lines: map[string]map[string]int{}} }

// tell takes a line.
func (l *ledger) tell(line string) {
	what, id, _ := strings.Cut(line, " ")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines[what] == nil {
		l.lines[what] = map[string]int{}
	}
	l.lines[what][id]++
}

// counts returns how often each id was told under any of the words.
func (l *ledger) counts(words ...string) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]int{}
	for _, what := range words {
		for id, n := range l.lines[what] {
			all[id] += n
		}
	}
	return all
}

// total is how many lines were told under any of the words.
func (l *ledger) total(words ...string) int {
	total := 0
	for n := range maps.Values(l.counts(words...)) {
		total += n
	}
	return total
}

var uniqueID = regexp.MustCompile(`s:8:"uniqueId";s:\d+:"([^"]*)"`)

// idOf finds the id in a payload.
func idOf(t *testing.T, payload string) string {
	t.Helper()
	found := uniqueID.FindStringSubmatch(payload)
	if found == nil {
		t.Fatalf("no id in %q", payload)
	}
	return found[1]
}

// fiveKeys are the states that Hyperf knows.
type fiveKeys map[string][]string

// look reads which ids stand in the five keys.
func (c *channel) look(t *testing.T) fiveKeys {
	t.Helper()
	ctx := context.Background()
	all := fiveKeys{}
	note := func(state string, payloads []string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range payloads {
			all[state] = append(all[state], idOf(t, p))
		}
	}
	for _, state := range []string{"waiting", "timeout", "failed"} {
		payloads, err := c.rdb.LRange(ctx, c.name+":"+state, 0, -1).Result()
		note(state, payloads, err)
	}
	for _, state := range []string{"delayed", "reserved"} {
		payloads, err := c.rdb.ZRange(ctx, c.name+":"+state, 0, -1).Result()
		note(state, payloads, err)
	}
	return all
}

// count returns how often each id stands in the states given; none: in all five.
func (k fiveKeys) count(states ...string) map[string]int {
	if len(states) == 0 {
		states = slices.Collect(maps.Keys(k))
	}
	all := map[string]int{}
	for _, state := range states {
		for _, id := range k[state] {
			all[id]++
		}
	}
	return all
}
