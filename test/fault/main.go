// Command fault breaks things while messages flow, and proves that none is lost: workers and Redis
// are killed, frozen, cut off, failed over, filled up and misconfigured under load.
//
// Each case plays on a Redis and a fleet of worker processes of its own. In the end confirmed pushes
// must be what was acknowledged and what stands in the keys; a message may run twice only where its
// worker was killed or cut off while it held it, or where a fail-over undid its end.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/asyncqueue/operator/test/fault/crew"
)

// boundedLength is how long faults are injected in each case where no duration is asked for.
const boundedLength = 12 * time.Second

type options struct {
	duration time.Duration
	seed     uint64
	only     string
	parallel int
	out      string
	keep     string
}

func main() {
	if text := os.Getenv(crew.Variable); text != "" {
		os.Exit(crew.Main(text))
	}
	var o options
	flag.DurationVar(&o.duration, "duration", 0, "about how long the whole run may take; 0 is the bounded run of a few minutes")
	flag.Uint64Var(&o.seed, "seed", 0, "seed of the randomness; 0 chooses one")
	flag.StringVar(&o.only, "run", "", "play only the cases whose name matches this regular expression")
	flag.IntVar(&o.parallel, "parallel", 3, "how many cases play at once")
	flag.StringVar(&o.out, "out", "bin/reports/fault.json", "file of the report")
	flag.StringVar(&o.keep, "keep", "", "folder to leave ledgers and logs in")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, o options, out, progress io.Writer) error {
	pattern, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("reading -run: %w", err)
	}
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "fault"); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()>>1 | 1 //nolint:gosec // chance is not security
	}
	var chosen []faultCase
	for _, c := range cases() {
		if pattern.MatchString(c.name) {
			chosen = append(chosen, c)
		}
	}
	logger := log.New(progress, "", log.Ltime)
	logger.Printf("seed %d, %d cases", o.seed, len(chosen))
	r := report{Seed: o.seed, Began: time.Now()}
	r.Rows = playAll(ctx, chosen, o, dir, logger)
	r.Seconds = time.Since(r.Began).Seconds()
	if err := r.print(out); err != nil {
		return err
	}
	if err := r.save(o.out); err != nil {
		return err
	}
	if len(r.Rows) == 0 {
		return fmt.Errorf("no case matches %q", o.only)
	}
	if r.isBroken() {
		return fmt.Errorf("promises were broken; play it again with -seed %d", o.seed)
	}
	return ctx.Err()
}

// playAll plays the cases, a few at a time, and returns their rows in the order of the cases.
func playAll(ctx context.Context, chosen []faultCase, o options, dir string, logger *log.Logger) []row {
	length := lengthOf(o, len(chosen))
	rows := make([]row, len(chosen))
	slots := make(chan struct{}, max(o.parallel, 1))
	var group sync.WaitGroup
	for i, c := range chosen {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			rows[i] = act(ctx, c, filepath.Join(dir, fmt.Sprintf("%02d", i)), length, o.seed+uint64(i), logger) //nolint:gosec // an index
		})
	}
	group.Wait()
	return rows
}

// lengthOf returns how long faults are injected in each case.
func lengthOf(o options, cases int) time.Duration {
	if o.duration == 0 || cases == 0 {
		return boundedLength
	}
	rounds := (cases + o.parallel - 1) / max(o.parallel, 1)
	const rest = 15 * time.Second // a case needs about this long to come to rest
	return max(o.duration/time.Duration(max(rounds, 1))-rest, boundedLength)
}
