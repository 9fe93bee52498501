// Command bench compares the worker with asynq, with Hyperf's protocol done naively, and with a
// bare prototype of its own idea, in turn and in several rounds, and prints one table.
//
// Each trial has a redis-server and a process of its own. A message that ours loses or handles twice
// ends the command with status 1; a slow machine does not.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// options are the command line.
type options struct {
	rounds int
	scale  float64
	only   *regexp.Regexp
	long   int
	out    string
	prof   string
}

func main() {
	if text, is := isContender(); is {
		exitOn(serve(text, os.Stdout))
		return
	}
	var o options
	only := flag.String("only", "", "run only the trials whose `pattern` matches \"scenario: contender\"")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each trial is run")
	flag.Float64Var(&o.scale, "scale", 1, "multiplies the number of messages of every trial")
	flag.IntVar(&o.long, "long", 0, "then run ours over this many `messages`, and look at its memory (10000000 takes a minute or two)")
	flag.StringVar(&o.prof, "profiles", "", "write a CPU profile of each trial's process into this `folder`")
	flag.StringVar(&o.out, "out", "../../bin/reports/bench.json", "where the report goes, as JSON")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	redis.SetLogger(quiet{})
	exitOn(bench(ctx, o))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, o options) error {
	r := newReport()
	var err error
	if r.Redis, err = serverVersion(ctx); err != nil {
		return err
	}
	for round := range o.rounds {
		for _, s := range scenarios {
			if err := runScenario(ctx, o, r, round, s); err != nil {
				return err
			}
		}
	}
	if o.long > 0 {
		if r.Marathon, err = runMarathon(ctx, o.long); err != nil {
			return err
		}
	}
	r.conclude()
	r.print(os.Stdout)
	if err := r.write(o.out); err != nil {
		return err
	}
	if broken := r.broken(); len(broken) > 0 {
		return fmt.Errorf("promises are broken: %s", strings.Join(broken, "; "))
	}
	return nil
}

func runScenario(ctx context.Context, o options, r *report, round int, s scenario) error {
	for i := range entries {
		e := entries[(i+round)%len(entries)] // each round begins with another
		if !o.only.MatchString(s.name + ": " + e.name) {
			continue
		}
		t := &trial{scenario: s, entry: e, messages: s.messages(e.contender, o.scale)}
		if o.prof != "" {
			t.profile = filepath.Join(o.prof, strings.NewReplacer(" ", "-", ",", "").Replace(s.name+"-"+e.name)+".pprof")
		}
		got, err := t.run(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "round %d, %s: %s: %.0f/s, p50 %.2f ms\n", round+1, s.name, e.name, got.Rate, got.P50)
		r.add(s.name, e.name, got)
	}
	return nil
}

func serverVersion(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := redistest.Launch(dir)
	if err != nil {
		return "", err
	}
	defer server.Stop()
	rdb := connect(server.Addr, 1)
	defer func() { _ = rdb.Close() }()
	info, err := rdb.InfoMap(ctx, "server").Result()
	if err != nil {
		return "", err
	}
	return info["Server"]["redis_version"], nil
}
