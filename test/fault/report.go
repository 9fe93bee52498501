package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/asyncqueue/operator/test/fault/ledger"
)

// row is what is told about one case.
type row struct {
	Fault    string   `json:"fault"`
	Times    int      `json:"times"`    // faults injected
	Messages int      `json:"messages"` // confirmed pushes
	Unknown  int      `json:"unknown"`  // pushes without an answer
	Acked    int      `json:"acknowledged"`
	Standing int      `json:"standing"`
	Doubtful int      `json:"doubtful"` // ended well in a worker that was killed before Redis confirmed it
	Lost     int      `json:"lost"`
	Doubled  int      `json:"doubled"`
	Twice    int      `json:"runTwice"`
	Wrongly  int      `json:"runTwiceWithoutExcuse"`
	Evicted  int      `json:"evicted"`                // workers that were taken for dead while they lived
	Slowest  float64  `json:"slowestRecoverySeconds"` // until messages flowed again, or a dead worker's message came back
	Seconds  float64  `json:"seconds"`
	Unjudged bool     `json:"forComparison,omitempty"`
	Broken   []string `json:"broken"`
}

func (r *row) take(v ledger.Verdict) {
	r.Messages, r.Unknown, r.Acked, r.Standing, r.Doubtful = v.Messages, v.Unknown, v.Acked, v.Standing, v.Doubtful
	r.Lost, r.Doubled, r.Twice, r.Wrongly, r.Evicted = v.Lost, v.Doubled, v.Twice, v.Unexcused, v.Evicted
	r.Broken = append(r.Broken, v.Broken...)
}

// report is what a run of the suite found.
type report struct {
	Seed    uint64    `json:"seed"`
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Rows    []row     `json:"rows"`
}

// isBroken says whether a promise was broken.
func (r report) isBroken() bool {
	for _, one := range r.Rows {
		if len(one.Broken) > 0 {
			return true
		}
	}
	return false
}

// print writes the table, and below it what was broken.
func (r report) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "fault\ttimes\tmessages\tlost\trun twice\tslowest recovery\t")
	for _, one := range r.Rows {
		slowest := "-"
		if one.Slowest > 0 {
			slowest = fmt.Sprintf("%.2f s", one.Slowest)
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%s\t\n", one.Fault, one.Times, one.Messages, one.Lost, one.Twice, slowest)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	for _, one := range r.Rows {
		for _, text := range one.Broken {
			if _, err := fmt.Fprintf(w, "BROKEN  %s: %s\n", one.Fault, text); err != nil {
				return fmt.Errorf("printing the table: %w", err)
			}
		}
	}
	_, err := fmt.Fprintf(w, "seed %d, %.0f s\n", r.Seed, r.Seconds)
	return err
}

// save writes the report as JSON.
func (r report) save(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return fmt.Errorf("saving the report: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("saving the report: %w", err)
	}
	if err := os.WriteFile(name, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("saving the report: %w", err)
	}
	return nil
}
