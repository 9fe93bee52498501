package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/asyncqueue/operator/internal/redistest"
)

// Faketime names the environment variable with the path of libfaketime, which hack/fault sets.
const Faketime = "FAULT_FAKETIME"

// steppedClock steps the clock of Redis by an hour, forth and back, as after a restored snapshot of a
// virtual machine or a wrong time server.
func steppedClock() faultCase {
	var clock string
	return faultCase{
		name:    "clock steps of an hour",
		setting: setting{reload: true, poller: true},
		open: func(s *scene) error {
			library := os.Getenv(Faketime)
			if library == "" {
				return errors.New("want the path of libfaketime in $" + Faketime + "; make fault sets it")
			}
			clock = filepath.Join(s.dir, "clock")
			if err := step(clock, 0); err != nil {
				return err
			}
			// Debian's Redis allocates by jemalloc, which looks at the clock before libfaketime is ready: the C
			// library's allocator comes before it.
			server, err := s.launchWith(redistest.Options{Env: []string{
				"LD_PRELOAD=" + library + " libc.so.6", "FAKETIME_TIMESTAMP_FILE=" + clock, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
			}}, "redis")
			if err != nil {
				return err
			}
			s.server, s.url = server, "redis://"+server.Addr
			return nil
		},
		play: func(ctx context.Context, s *scene) error {
			for i := 0; ctx.Err() == nil; i++ {
				// One hour forth and back, one hour back and forth.
				for _, offset := range [][]time.Duration{{time.Hour, 0}, {-time.Hour, 0}}[i%2] {
					s.pause(ctx, s.between(time.Second, 2*time.Second))
					err := s.fault(ctx, func(context.Context) error { return step(clock, offset) }, nothing)
					if err != nil {
						return err
					}
				}
			}
			// What was delayed while the clock was ahead is due in an hour. Let that pass.
			return s.fault(ctx, func(context.Context) error { return step(clock, time.Hour+time.Minute) }, nothing)
		},
	}
}

// step sets the clock that far off, by a file that the library reads at each look at the clock.
func step(clock string, offset time.Duration) error {
	text := fmt.Sprintf("%+d\n", int64(offset.Seconds()))
	next := clock + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return fmt.Errorf("setting the clock: %w", err)
	}
	if err := os.Rename(next, clock); err != nil {
		return fmt.Errorf("setting the clock: %w", err)
	}
	return nil
}
