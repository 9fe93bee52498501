package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/test/fault/ledger"
)

func TestReportShowsAndSavesWhatWasFound(t *testing.T) {
	r := report{Seed: 42, Seconds: 60, Rows: []row{
		{Fault: "a fault", Times: 3, Messages: 1000, Twice: 2, Slowest: 1.5},
		{Fault: "another", Messages: 10, Lost: 1, Broken: []string{"lost: 1 of 1 copies of m1"}},
	}}
	var text strings.Builder
	if err := r.print(&text); err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for line := range strings.Lines(text.String()) {
		lines = append(lines, strings.Fields(line))
	}
	want := [][]string{
		strings.Fields("fault times messages lost run twice slowest recovery"),
		strings.Fields("a fault 3 1000 0 2 1.50 s"),
		strings.Fields("another 0 10 1 0 -"),
		strings.Fields("BROKEN another: lost: 1 of 1 copies of m1"),
		strings.Fields("seed 42, 60 s"),
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	name := filepath.Join(t.TempDir(), "reports", "fault.json")
	if err := r.save(name); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var saved report
	if err := json.Unmarshal(raw, &saved); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, saved); diff != "" {
		t.Errorf("saved report (-want +got):\n%s", diff)
	}
}

// The exit status follows from this: a table that hides a broken promise proves nothing.
func TestReportIsBrokenByOneBrokenPromise(t *testing.T) {
	whole := report{Rows: []row{{}, {}}}
	if whole.isBroken() {
		t.Error("broken without a broken promise")
	}
	var bad row
	bad.take(ledger.Check(ledger.Facts{Pushed: map[string]ledger.Pushed{"a": {Confirmed: 1}}}))
	if broken := (report{Rows: []row{{}, bad}}); !broken.isBroken() || bad.Lost != 1 {
		t.Errorf("a lost message was not told of: %+v", bad)
	}
}

func TestServesSlot(t *testing.T) {
	const line = "id 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-99 5461 8000-9000 [93->-other]"
	for slot, want := range map[int]bool{0: true, 99: true, 100: false, 5461: true, 8999: true, 9001: false, 93: true} {
		if got := servesSlot(line, slot); got != want {
			t.Errorf("slot %d: %v, want %v", slot, got, want)
		}
	}
}
