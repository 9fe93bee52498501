package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// settling is how long after the last write queues count as settled, and
	// settled how long that may take.
	settling, settled = 5 * time.Second, 3 * time.Minute
	// connections is how many a manager may hold to one Redis.
	connections = 2
	// roundTrips is how many it may make a second: a look at all queues, and cheap
	// ones for messages that fall due in between. It is the idle budget of a channel.
	roundTrips = 5
)

// resting looks at what the settled queues cost.
func (s *stage) resting(ctx context.Context) error {
	if err := s.settled(ctx); err != nil {
		return err
	}
	api, mgr, err := s.both(ctx)
	if err != nil {
		return err
	}
	commands := s.commands(ctx)
	s.wire.reset()
	if err := pass(ctx, s.rest); err != nil {
		return err
	}
	seen := s.wire.traffic()
	apiNow, mgrNow, err := s.both(ctx)
	if err != nil {
		return err
	}
	seconds := s.rest.Seconds()
	counts := writesByResource(apiNow, api)
	s.results.promise(fmt.Sprintf("at rest for %.0f s: API writes, leases excepted", seconds), "", total(counts), 0)
	s.results.detail(words(counts))
	s.results.say("  Secrets read per second (a fifth of the queues name one)", "/s", (secretReads(apiNow)-secretReads(api))/seconds)
	s.results.say("  reconciles per second", "/s", (mgrNow.reconciles()-mgr.reconciles())/seconds)
	s.results.say("  CPU of the manager", "cores", (mgrNow.cpuSeconds()-mgr.cpuSeconds())/seconds)
	s.results.promise("  connections to the Redis of all queues", "", float64(seen.open), connections)
	s.results.promise("  round trips per second", "", float64(seen.trips)/seconds, roundTrips)
	s.results.say("  looks per queue and second", "", float64(s.commands(ctx)-commands)/seconds/float64(s.size))
	s.profile(ctx, "heap", "heap")
	now, most, err := s.manager.memory()
	if err != nil {
		return err
	}
	s.results.promise("memory of the manager (RSS)", "MiB", now, promisedMemory)
	s.results.say("  at most so far", "MiB", most)
	return nil
}

// settled waits until nothing has been written for a while.
func (s *stage) settled(ctx context.Context) error {
	deadline := time.Now().Add(settled)
	for last := -1.0; ; {
		api, err := s.cluster.requests(ctx)
		if err != nil {
			return err
		}
		n := total(writesByResource(api, nil))
		if n == last {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the queues do not settle within %s: %.0f writes within %s", settled, n-last, settling)
		}
		last = n
		if err := pass(ctx, settling); err != nil {
			return err
		}
	}
}

func (s *stage) both(ctx context.Context) (api, mgr samples, err error) {
	if api, err = s.cluster.requests(ctx); err != nil {
		return nil, nil, err
	}
	mgr, err = s.manager.samples(ctx)
	return api, mgr, err
}

// commands is how many scripts clients have run.
func (s *stage) commands(ctx context.Context) int64 {
	var n int64
	for line := range strings.SplitSeq(s.rdb.Info(ctx, "commandstats").Val(), "\n") {
		name, rest, ok := strings.Cut(line, ":calls=")
		if ok && strings.HasPrefix(name, "cmdstat_evalsha") {
			var calls int64
			_, _ = fmt.Sscanf(rest, "%d", &calls)
			n += calls
		}
	}
	return n
}

// writesByResource counts the changes that the API server was asked for since
// before, leases excepted.
func writesByResource(now, before samples) map[string]float64 {
	counts := map[string]float64{}
	for sign, s := range map[float64]samples{1: now, -1: before} {
		for _, m := range s["apiserver_request_total"].GetMetric() {
			labels := labelsOf(m)
			if labels["resource"] == "leases" || slices.Contains([]string{"GET", "LIST", "WATCH", "CONNECT"}, labels["verb"]) {
				continue
			}
			name := labels["verb"] + " " + strings.TrimSuffix(labels["resource"]+"/"+labels["subresource"], "/")
			counts[name] += sign * m.GetCounter().GetValue()
		}
	}
	return counts
}

func total(counts map[string]float64) float64 {
	sum := 0.0
	for _, n := range counts {
		sum += n
	}
	return sum
}

// words lists the counts that are not zero.
func words(counts map[string]float64) string {
	var list []string
	for name, n := range counts {
		if n != 0 {
			list = append(list, fmt.Sprintf("%.0f %s", n, name))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// secretReads is how often a Secret was read by name.
func secretReads(api samples) float64 {
	return api.sum("apiserver_request_total", func(labels map[string]string) bool {
		return labels["resource"] == "secrets" && labels["verb"] == "GET"
	})
}

// cpuSeconds is the processor time that the process has used.
func (s samples) cpuSeconds() float64 {
	value := 0.0
	for _, m := range s["process_cpu_seconds_total"].GetMetric() {
		value += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return value
}
