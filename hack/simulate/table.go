package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printTable prints a line every interval and at each change of size, then an
// empty one.
func printTable(out io.Writer, r replay, interval time.Duration) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, by %s: %s\n", r.trace.name, r.scaler, r.trace.about)
	fmt.Fprintf(&text, "%8s %9s %8s %8s %9s %6s  %s\n", "time", "pushed/s", "waiting", "in hand", "replicas", "ready", "why")
	for i, m := range r.moments {
		isChange := i > 0 && m.replicas != r.moments[i-1].replicas
		if m.at%interval != 0 && !isChange {
			continue
		}
		why := m.reason
		if m.away {
			why = strings.TrimSpace("(Redis is away) " + why)
		}
		fmt.Fprintf(&text, "%8s %9.0f %8d %8d %9d %6d  %s\n", m.at, m.arriving, m.waiting, m.inHand, m.replicas, m.ready, why)
	}
	text.WriteString("\n")
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("printing the table: %w", err)
	}
	return nil
}

// printSummaries prints one line for each replay.
func printSummaries(out io.Writer, replays []replay) error {
	var text strings.Builder
	text.WriteString("trace\tby\tpushed\tdone\tgiven up\twait p50\tp95\tmax\tpeak\tmean pods\tchanges\tturns\tbusy pods chosen\t\n")
	for _, r := range replays {
		s, w := r.summary(), r.world
		fmt.Fprintf(&text, "%s\t%s\t%d\t%d\t%d\t%.1fs\t%.1fs\t%.1fs\t%d\t%.1f\t%d\t%d\t%d\t\n", r.trace.name, r.scaler, w.pushed, w.done, w.gaveUp,
			s.waitP50.Seconds(), s.waitP95.Seconds(), s.waitMax.Seconds(), s.peak, s.meanReplicas, s.changes, s.turns, w.busyKilled)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, err := io.WriteString(t, text.String())
	if err = errors.Join(err, t.Flush()); err != nil {
		return fmt.Errorf("printing the summary: %w", err)
	}
	return nil
}
