package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The bounded run: every phase with few queues and short times. Promises about
// numbers must be kept, times within the tolerance.
func TestFewQueues(t *testing.T) {
	c := config{
		root: filepath.Join("..", ".."), assets: os.Getenv("KUBEBUILDER_ASSETS"),
		rest: 10 * time.Second, busy: 8 * time.Second, bursts: 3, places: 20, hole: 8 * time.Second,
	}
	const size = 200
	measured, err := measureSize(t.Context(), c, size, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	r := newReport(time.Now())
	r.add(size, measured)
	t.Log("\n" + r.table())
	if err := r.verdict(); err != nil {
		t.Error(err)
	}
}

func TestReportTellsWhatIsBroken(t *testing.T) {
	var some results
	some.promise("API writes", "", 3, 0)
	some.detail("3 PATCH asyncqueues/status")
	some.within("late but forgiven", 7*time.Second, 2*time.Second)
	some.within("far too late", 9*time.Second, 2*time.Second)
	some.say("nothing promised", "MiB", 1234.5)
	r := newReport(time.Now())
	r.add(10, some)
	r.add(20, some)
	if len(r.Broken) != 4 {
		t.Errorf("broken: %q, want two for each size", r.Broken)
	}
	table := r.table()
	for _, want := range []string{"10 queues", "20 queues", "<= 2 s", "7 s !", "9 s !", "1234 MiB", "BROKEN: API writes with 10 queues: 3, promised at most 0 (3 PATCH asyncqueues/status)"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if err := r.verdict(); err == nil || !strings.Contains(err.Error(), "far too late with 20 queues") {
		t.Errorf("verdict %v", err)
	}
}

func TestNumbers(t *testing.T) {
	if got, err := numbers("1000, 5000"); err != nil || len(got) != 2 || got[1] != 5000 {
		t.Errorf("numbers() = %v, %v", got, err)
	}
	for _, bad := range []string{"", "many", "0", "1000,-1"} {
		if _, err := numbers(bad); err == nil {
			t.Errorf("numbers(%q) succeeds", bad)
		}
	}
}
