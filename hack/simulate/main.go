package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// options is what the command line says.
type options struct {
	settings
	trace    string
	svgDir   string
	interval time.Duration
	compare  bool
	min, max int
}

func main() {
	if err := simulate(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "simulate:", err)
		}
		os.Exit(2)
	}
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("simulate", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.StringVar(&o.trace, "trace", "", "the only trace to replay: steps, sine, bursts, poison or outage (default all)")
	fs.BoolVar(&o.compare, "compare", false, "replay each trace under KEDA's defaults too")
	fs.StringVar(&o.svgDir, "svg", filepath.Join("bin", "reports"), "`folder` for the plots; empty: none")
	fs.DurationVar(&o.interval, "every", 30*time.Second, "time between two lines of the table, beside the changes")
	fs.IntVar(&o.min, "min", 0, "minReplicas")
	fs.IntVar(&o.max, "max", 20, "maxReplicas")
	fs.Int64Var(&o.target, "target", 10, "queueLength.target; 0: it does not count, where -wait does")
	fs.DurationVar(&o.wait, "wait", 0, "waitTime; 0: it does not count")
	fs.IntVar(&o.concurrency, "concurrency", 10, "concurrency")
	fs.DurationVar(&o.service, "service", time.Second, "time that a handler takes")
	fs.Float64Var(&o.serviceSpread, "spread", 0.3, "by which share that time wavers")
	fs.DurationVar(&o.podStart, "pod-start", 1700*time.Millisecond, "time from the decision to a pod that consumes")
	fs.DurationVar(&o.window, "window", 10*time.Second, "the operator's --scale-in-window")
	fs.DurationVar(&o.idle, "idle", time.Minute, "idleSeconds")
	fs.DurationVar(&o.ahead, "ahead", 10*time.Second, "scheduleAheadSeconds")
	fs.Uint64Var(&o.seed, "seed", 1, "of the chance that times waver by")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.settings.min, o.settings.max = int32(o.min), int32(o.max) //nolint:gosec // validate bounds them
	return o, o.validate()
}

func (o options) validate() error {
	switch {
	case o.min < 0 || o.max < max(1, o.min) || o.max > 1000:
		return fmt.Errorf("-min %d -max %d: want 0 <= min <= max, and max from 1 to 1000", o.min, o.max)
	case o.target < 0 || o.target == 0 && o.wait <= 0:
		return fmt.Errorf("-target %d: want 1 or more, or 0 beside -wait", o.target)
	case o.concurrency < 1 || o.service < tick || o.podStart < 0 || o.interval < time.Second:
		return fmt.Errorf("want -concurrency from 1, -service from %s, -pod-start from 0, -every from 1s", tick)
	}
	return nil
}

func simulate(args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	var all []replay
	for _, t := range traces() {
		if o.trace != "" && o.trace != t.name {
			continue
		}
		replays := []replay{play(t, o.settings, newOperator(o.settings))}
		if o.compare {
			replays = append(replays, play(t, o.settings, newKEDA(o.settings)))
		}
		if err := show(out, o, replays); err != nil {
			return err
		}
		all = append(all, replays...)
	}
	if len(all) == 0 {
		return fmt.Errorf("-trace %q: there is no such trace", o.trace)
	}
	return printSummaries(out, all)
}

// show prints the tables of one trace and writes its plot.
func show(out io.Writer, o options, replays []replay) error {
	for _, r := range replays {
		if err := printTable(out, r, o.interval); err != nil {
			return err
		}
	}
	if o.svgDir == "" {
		return nil
	}
	if err := os.MkdirAll(o.svgDir, 0o755); err != nil {
		return fmt.Errorf("making the folder for plots: %w", err)
	}
	name := filepath.Join(o.svgDir, "simulate-"+replays[0].trace.name+".svg")
	file, err := os.Create(name) //nolint:gosec // the user names the folder
	if err != nil {
		return fmt.Errorf("making the plot: %w", err)
	}
	if err := errors.Join(writeSVG(file, replays), file.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "plot: %s\n\n", name)
	return err
}
