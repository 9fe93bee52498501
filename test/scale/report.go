package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// tolerance is how much longer than promised a real time may be before the run
// fails: other things may run on the machine.
const tolerance = 4

// measure is one row of the table for one size.
type measure struct {
	Name string `json:"name"`
	Unit string `json:"unit,omitempty"`
	// Value is what was measured.
	Value float64 `json:"value"`
	// Promise is the most that Value may be; nil: nothing is promised.
	Promise *float64 `json:"promise,omitempty"`
	// IsTime allows for tolerance.
	IsTime bool `json:"isTime,omitempty"`
	// Detail says more, in words.
	Detail string `json:"detail,omitempty"`
}

// isBroken says that the promise is not kept.
func (m measure) isBroken() bool {
	if m.Promise == nil {
		return false
	}
	most := *m.Promise
	if m.IsTime {
		most *= tolerance
	}
	return m.Value > most
}

// isMissed says that the promise is not reached, be that forgiven or not.
func (m measure) isMissed() bool { return m.Promise != nil && m.Value > *m.Promise }

// results are the measures of one size, in the order of the table.
type results []measure

func (r *results) say(name, unit string, value float64) {
	*r = append(*r, measure{Name: name, Unit: unit, Value: value})
}

// promise adds a number that may be at most so much.
func (r *results) promise(name, unit string, value, most float64) {
	*r = append(*r, measure{Name: name, Unit: unit, Value: value, Promise: &most})
}

// within adds a real time that is promised to be at most so long.
func (r *results) within(name string, took, most time.Duration) {
	seconds := most.Seconds()
	*r = append(*r, measure{Name: name, Unit: "s", Value: took.Seconds(), Promise: &seconds, IsTime: true})
}

// detail adds words to the last measure.
func (r *results) detail(text string) {
	if len(*r) > 0 {
		(*r)[len(*r)-1].Detail = text
	}
}

// report is what is written as JSON.
type report struct {
	Started time.Time    `json:"started"`
	Cores   int          `json:"cores"`
	Sizes   []sizeReport `json:"sizes"`
	Broken  []string     `json:"broken"`
}

type sizeReport struct {
	Queues   int     `json:"queues"`
	Measures results `json:"measures"`
}

func newReport(now time.Time) *report {
	return &report{Started: now.UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Broken: []string{}}
}

func (r *report) add(queues int, measures results) {
	r.Sizes = append(r.Sizes, sizeReport{queues, measures})
	for _, m := range measures {
		if m.isBroken() {
			text := fmt.Sprintf("%s with %d queues: %s, promised at most %s", m.Name, queues, number(m.Value, m.Unit), number(*m.Promise, m.Unit))
			if m.Detail != "" {
				text += " (" + m.Detail + ")"
			}
			r.Broken = append(r.Broken, text)
		}
	}
}

// table shows a measure a row and a size a column.
func (r *report) table() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(w, "measure\tpromise")
	for _, size := range r.Sizes {
		_, _ = fmt.Fprintf(w, "\t%d queues", size.Queues)
	}
	_, _ = fmt.Fprintln(w)
	if len(r.Sizes) > 0 {
		for i := range r.Sizes[0].Measures {
			_, _ = fmt.Fprintln(w, r.row(i))
		}
	}
	_ = w.Flush()
	for _, broken := range r.Broken {
		text.WriteString("BROKEN: " + broken + "\n")
	}
	return text.String()
}

// row is the measure number i, which every size has in the same place. A promise
// that depends on the size is that of the largest.
func (r *report) row(i int) string {
	cells := []string{r.Sizes[0].Measures[i].Name, ""}
	for _, size := range r.Sizes {
		if i >= len(size.Measures) { // it was given up before
			cells = append(cells, "-")
			continue
		}
		m := size.Measures[i]
		if m.Promise != nil {
			cells[1] = "<= " + number(*m.Promise, m.Unit)
		}
		cell := number(m.Value, m.Unit)
		if m.isMissed() {
			cell += " !"
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, "\t")
}

// number writes a value with as many digits as mean something.
func number(value float64, unit string) string {
	text := fmt.Sprintf("%.3g", value)
	if value >= 100 || value == float64(int64(value)) {
		text = fmt.Sprintf("%.0f", value)
	}
	return strings.TrimSpace(text + " " + unit)
}

func (r *report) write(file string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.WriteFile(file, append(raw, '\n'), 0o644) //nolint:gosec // a report is for everybody
}

// verdict is nil where every promise is kept.
func (r *report) verdict() error {
	if len(r.Broken) == 0 {
		return nil
	}
	return fmt.Errorf("%d promises are broken:\n%s", len(r.Broken), strings.Join(r.Broken, "\n"))
}
