package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// promisedConvergence is how long so many queues may take: 1,000 in 20 s, 5,000
// in 120 s.
func promisedConvergence(size int) time.Duration {
	if size <= 1000 {
		return 20 * time.Second
	}
	return time.Duration(size) * 24 * time.Millisecond
}

// longestConvergence is when converging is given up.
const longestConvergence = 15 * time.Minute

// promisedMemory is how many MiB the manager may have in RAM, with up to 5,000
// queues.
const promisedMemory = 150

// converge makes all queues while the manager runs, and waits until they are
// ready.
func (s *stage) converge(ctx context.Context) error {
	var err error
	if s.manager, err = s.start(ctx); err != nil {
		return err
	}
	apiBefore, before, err := s.both(ctx)
	if err != nil {
		return err
	}
	go s.profile(ctx, "profile?seconds=15", "cpu")
	go s.profileServer(ctx, "profile?seconds=15", "apiserver")
	began := time.Now()
	if err := s.cluster.populate(ctx, s.size); err != nil {
		return err
	}
	created := time.Since(began)
	if err := await(ctx, longestConvergence, "all queues to be ready", func() bool { return s.tracker.ready() >= s.size }); err != nil {
		return fmt.Errorf("%w: %d of %d are\n%s", err, s.tracker.ready(), s.size, s.manager.lastLines())
	}
	took := time.Since(began)
	api, after, err := s.both(ctx)
	if err != nil {
		return err
	}
	s.results.within("converged: every Deployment there, every queue Ready", took, promisedConvergence(s.size))
	s.results.say("  of which creating the queues took", "s", created.Seconds())
	s.results.say("  reconciles per second", "/s", (after.reconciles()-before.reconciles())/took.Seconds())
	s.results.say("  reconcile p99 (upper bound)", "s", after.quantile(before, "controller_runtime_reconcile_time_seconds", 0.99))
	s.results.say("  requests of the manager per queue", "", (after.asked(nil)-before.asked(nil))/float64(s.size))
	s.results.say("  status writes per queue", "", float64(s.tracker.changes())/float64(s.size))
	s.results.say("  CPU of the manager", "s", after.cpuSeconds()-before.cpuSeconds())
	s.results.say("  CPU of kube-apiserver", "s", api.cpuSeconds()-apiBefore.cpuSeconds())
	return nil
}

// reconciles is how many there were.
func (s samples) reconciles() float64 { return s.sum("controller_runtime_reconcile_total", nil) }

// asked is how many requests the manager sent to the API server.
func (s samples) asked(matches func(map[string]string) bool) float64 {
	return s.sum("rest_client_requests_total", matches)
}

// profile saves a profile where profiles are asked for; it is no reason to give
// up.
func (s *stage) profile(ctx context.Context, kind, name string) {
	if s.profiles == "" {
		return
	}
	if err := s.manager.profile(ctx, kind, s.profileFile(name)); err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
	}
}

// profileServer does the same with the API server.
func (s *stage) profileServer(ctx context.Context, kind, name string) {
	if s.profiles == "" {
		return
	}
	if err := s.cluster.profile(ctx, kind, s.profileFile(name)); err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
	}
}

func (s *stage) profileFile(name string) string {
	return filepath.Join(s.profiles, fmt.Sprintf("%s-%d.pprof", name, s.size))
}
