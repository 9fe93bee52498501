package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printTable prints a line every interval and at each change of size.
func printTable(out io.Writer, r replay, interval time.Duration) error {
	fmt.Fprintf(out, "%s, by %s: %s\n", r.trace.name, r.scaler, r.trace.about)
	fmt.Fprintf(out, "%8s %9s %8s %8s %9s %6s  %s\n", "time", "pushed/s", "waiting", "in hand", "replicas", "ready", "why")
	for i, m := range r.moments {
		isChange := i > 0 && m.replicas != r.moments[i-1].replicas
		if m.at%interval != 0 && !isChange {
			continue
		}
		why := m.reason
		if m.away {
			why = strings.TrimSpace("(Redis is away) " + why)
		}
		if _, err := fmt.Fprintf(out, "%8s %9.0f %8d %8d %9d %6d  %s\n", m.at, m.arriving, m.waiting, m.inHand, m.replicas, m.ready, why); err != nil {
			return fmt.Errorf("printing the table: %w", err)
		}
	}
	return nil
}

// printSummaries prints one line for each replay.
func printSummaries(out io.Writer, replays []replay) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "trace\tby\tpushed\tdone\tgiven up\twait p50\tp95\tmax\tpeak\tmean pods\tchanges\tturns\tbusy pods chosen\t")
	for _, r := range replays {
		s, w := r.summary(), r.world
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%.1fs\t%.1fs\t%.1fs\t%d\t%.1f\t%d\t%d\t%d\t\n", r.trace.name, r.scaler, w.pushed, w.done, w.gaveUp,
			s.waitP50.Seconds(), s.waitP95.Seconds(), s.waitMax.Seconds(), s.peak, s.meanReplicas, s.changes, s.turns, w.busyKilled)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("printing the summary: %w", err)
	}
	return nil
}
