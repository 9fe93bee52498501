package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one contender in one scenario: all rounds, and their medians.
type row struct {
	Scenario   string   `json:"scenario"`
	Contender  string   `json:"contender"`
	Rounds     []result `json:"rounds"`
	Median     result   `json:"median"`
	TimesAsynq float64  `json:"timesAsynq,omitempty"`     // of the median rates
	OfBare     float64  `json:"timesPrototype,omitempty"` // of the median rates
}

// report is everything that one run of the bench found.
type report struct {
	At       time.Time `json:"at"`
	CPUs     int       `json:"cpus"`
	Go       string    `json:"go"`
	Redis    string    `json:"redis"`
	Load     string    `json:"loadAverage"` // of the machine at the end
	Rows     []*row    `json:"rows"`
	Marathon *marathon `json:"marathon,omitempty"`
}

func newReport() *report {
	return &report{At: time.Now(), CPUs: runtime.NumCPU(), Go: runtime.Version()}
}

// add notes the result of a trial.
func (r *report) add(scenario, contender string, got result) {
	for _, known := range r.Rows {
		if known.Scenario == scenario && known.Contender == contender {
			known.Rounds = append(known.Rounds, got)
			return
		}
	}
	r.Rows = append(r.Rows, &row{Scenario: scenario, Contender: contender, Rounds: []result{got}})
}

// conclude works out medians and ratios.
func (r *report) conclude() {
	rates := map[[2]string]float64{}
	for _, w := range r.Rows {
		w.Median = medians(w.Rounds)
		rates[[2]string{w.Scenario, w.Contender}] = w.Median.Rate
	}
	for _, w := range r.Rows {
		w.TimesAsynq = ratio(w.Median.Rate, rates[[2]string{w.Scenario, "asynq"}])
		w.OfBare = ratio(w.Median.Rate, rates[[2]string{w.Scenario, "prototype"}])
	}
	load, _ := os.ReadFile("/proc/loadavg")
	r.Load = strings.TrimSpace(string(load))
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// medians takes the median of each value by itself; losses add up.
func medians(rounds []result) result {
	of := func(value func(result) float64) float64 {
		values := make([]float64, len(rounds))
		for i, r := range rounds {
			values[i] = value(r)
		}
		slices.Sort(values)
		return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	}
	m := result{
		Rate:      of(func(r result) float64 { return r.Rate }),
		RedisCPU:  of(func(r result) float64 { return r.RedisCPU }),
		WorkerCPU: of(func(r result) float64 { return r.WorkerCPU }),
		Commands:  of(func(r result) float64 { return r.Commands }),
		MemoryMiB: of(func(r result) float64 { return r.MemoryMiB }),
		P50:       of(func(r result) float64 { return r.P50 }),
		P99:       of(func(r result) float64 { return r.P99 }),
	}
	for _, r := range rounds {
		m.Lost += r.Lost
		m.Twice += r.Twice
	}
	return m
}

// broken returns the promises that ours broke. A slow machine breaks none.
func (r *report) broken() []string {
	var broken []string
	for _, w := range r.Rows {
		if strings.HasPrefix(w.Contender, "ours") && w.Median.Lost+w.Median.Twice > 0 {
			broken = append(broken, fmt.Sprintf("%s, %s: %d messages lost, %d handled twice or left", w.Scenario, w.Contender, w.Median.Lost, w.Median.Twice))
		}
	}
	if m := r.Marathon; m != nil && m.Lost+m.Twice > 0 {
		broken = append(broken, fmt.Sprintf("the long run: %d messages lost, %d handled twice or left", m.Lost, m.Twice))
	}
	return broken
}

// print writes the table.
func (r *report) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "scenario\tcontender\tmessages/s\tx asynq\tx prototype\tRedis s/100k\tworker s/100k\tcommands/message\tmost MiB\tp50 ms\tp99 ms\tlost\ttwice\t")
	last := ""
	for _, w := range r.Rows {
		name := w.Scenario
		if name == last {
			name = ""
		}
		last = w.Scenario
		m := w.Median
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f\t%s\t%s\t%d\t%d\t\n", name, w.Contender, cell("%.0f", m.Rate),
			cell("%.1f", w.TimesAsynq), cell("%.2f", w.OfBare), cell("%.2f", m.RedisCPU), cell("%.2f", m.WorkerCPU),
			cell("%.3f", m.Commands), m.MemoryMiB, cell("%.2f", m.P50), cell("%.2f", m.P99), m.Lost, m.Twice)
	}
	_ = t.Flush() // a table that cannot be written is seen to be missing
	if r.Marathon != nil {
		r.Marathon.print(out)
	}
	fmt.Fprintf(out, "medians; %d CPUs, %s, Redis %s, load average %s\n", r.CPUs, r.Go, r.Redis, r.Load)
}

// cell leaves out what was not measured.
func cell(format string, value float64) string {
	if value == 0 {
		return "-"
	}
	return fmt.Sprintf(format, value)
}

// write puts the report into a file.
func (r *report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
