package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// await returns when the condition holds, or with an error that says what was
// waited for.
func await(ctx context.Context, most time.Duration, what string, holds func() bool) error {
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("awaiting %s: not within %s", what, most)
		case <-ticker.C:
		}
	}
	return nil
}

// pass lets time go by.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// median is the middle one of some times.
func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
