package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// defaults are the settings that the command line has without flags, with changes.
func defaults(t *testing.T, args ...string) settings {
	t.Helper()
	o, err := parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return o.settings
}

// eachTrace runs a check on every trace, by the length and by the waiting time.
func eachTrace(t *testing.T, check func(t *testing.T, r replay)) {
	t.Helper()
	for kind, args := range map[string][]string{
		"by length":       nil,
		"by waiting time": {"-target", "0", "-wait", "10s"},
		"slow handlers":   {"-service", "8s", "-max", "60"},
	} {
		s := defaults(t, args...)
		for _, trace := range traces() {
			t.Run(trace.name+" "+kind, func(t *testing.T) { check(t, play(trace, s, newOperator(s))) })
		}
	}
}

func TestEveryMessageIsHandledAndTheQueueSleeps(t *testing.T) {
	eachTrace(t, func(t *testing.T, r replay) {
		w, last := r.world, r.moments[len(r.moments)-1]
		if w.done+w.gaveUp != w.pushed || w.pushed == 0 {
			t.Errorf("%d pushed, %d done, %d given up", w.pushed, w.done, w.gaveUp)
		}
		if last.replicas != 0 || last.ready != 0 {
			t.Errorf("%d wanted and %d ready at the end, want none", last.replicas, last.ready)
		}
	})
}

// After more workers came, fewer come only after the window.
func TestNothingFlaps(t *testing.T) {
	eachTrace(t, func(t *testing.T, r replay) {
		for _, turn := range r.turns() {
			if !turn.up && turn.since < r.world.window {
				t.Errorf("fewer at %s, %s after more", turn.at, turn.since)
			}
		}
		if s := r.summary(); s.turns > 20 {
			t.Errorf("%d turns", s.turns)
		}
	})
}

// A load that stays gets a number that stays, but for one worker where handlers'
// times waver.
func TestASteadyLoadSettles(t *testing.T) {
	for name, args := range map[string][]string{"by length": nil, "by waiting time": {"-target", "0", "-wait", "10s"}} {
		t.Run(name, func(t *testing.T) {
			s := defaults(t, args...)
			steady := trace{name: "steady", length: 15 * time.Minute, away: never, rate: func(float64) float64 { return 33 }}
			r := play(steady, s, newOperator(s))
			for _, m := range r.moments[300:] {
				if m.replicas < 4 || m.replicas > 5 {
					t.Fatalf("%d workers of ten a second each after %s, for 33 (%s)", m.replicas, m.at, m.reason)
				}
			}
		})
	}
}

// The number is held while Redis is away, and nothing goes at once when it is
// back.
func TestAnOutageTakesNobodyAway(t *testing.T) {
	eachTrace(t, func(t *testing.T, r replay) {
		var back time.Duration
		for i := 1; i < len(r.moments); i++ {
			m, before := r.moments[i], r.moments[i-1]
			if before.away && !m.away {
				back = m.at
			}
			if m.replicas < before.replicas && (m.away || back > 0 && m.at-back < r.world.window) {
				t.Errorf("from %d to %d at %s; Redis was back at %s", before.replicas, m.replicas, m.at, back)
			}
		}
	})
}

func TestBusyPodsGoLast(t *testing.T) {
	eachTrace(t, func(t *testing.T, r replay) {
		if r.world.busyKilled > 0 {
			t.Errorf("%d busy pods were chosen while others were idle", r.world.busyKilled)
		}
	})
}

// A burst from zero leads straight to what it needs, and no further.
func TestABurstIsAnsweredAtOnceAndWithoutOvershoot(t *testing.T) {
	s := defaults(t, "-max", "100")
	burst := trace{name: "burst", length: time.Minute, away: never, rate: calm, pushes: map[int]int{10: 430}}
	r := play(burst, s, newOperator(s))
	if at := r.moments[12]; at.replicas != 43 {
		t.Errorf("%d workers 2 s after a burst of 430, want 43", at.replicas)
	}
	if s := r.summary(); s.peak != 43 {
		t.Errorf("%d workers at the most, want 43", s.peak)
	}
}

// By the waiting time a backlog gets the workers that it needs and not one for
// each ten messages, once it is known how fast they are.
func TestWaitTimeIsKept(t *testing.T) {
	s := defaults(t, "-target", "0", "-wait", "20s", "-min", "1", "-max", "100")
	ramp := trace{
		name: "ramp", length: 10 * time.Minute, away: never,
		rate: func(at float64) float64 { return min(at/3, 90) },
	}
	r := play(ramp, s, newOperator(s))
	if got := r.summary(); got.waitP95 > s.wait || got.peak > 20 {
		t.Errorf("p95 of the wait %s (at most %s), %d workers for 90 messages a second of a tenth of a worker each", got.waitP95, s.wait, got.peak)
	}
}

func TestTheModelOfKEDAShowsItsDefaults(t *testing.T) {
	s := defaults(t)
	burst := trace{name: "burst", length: 12 * time.Minute, away: never, rate: calm, pushes: map[int]int{20: 4000}}
	r := play(burst, s, newKEDA(s))
	first, full, slept := time.Duration(0), time.Duration(0), time.Duration(0)
	for _, m := range r.moments {
		switch {
		case first == 0 && m.replicas > 0:
			first = m.at
		case full == 0 && m.replicas >= 10:
			full = m.at
		case full > 0 && slept == 0 && m.replicas == 0:
			slept = m.at
		}
	}
	if first < 21*time.Second || first > 60*time.Second || full-first < 15*time.Second || slept-full < 4*time.Minute {
		t.Errorf("first worker at %s, ten at %s, none at %s", first, full, slept)
	}
}

func TestPrintsTablesAndPlots(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if err := simulate([]string{"-trace", "outage", "-compare", "-svg", dir}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"outage, by AsyncQueue", "outage, by KEDA's defaults", "AtMaximum", "(Redis is away)", "busy pods chosen"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	plot, err := os.ReadFile(filepath.Join(dir, "simulate-outage.svg"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(plot))
	lines := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the plot is no XML: %v", err)
		}
		if element, ok := token.(xml.StartElement); ok && element.Name.Local == "polyline" {
			lines++
		}
	}
	if lines != 5 {
		t.Errorf("%d curves, want 5", lines)
	}
}

func TestRefusesNonsense(t *testing.T) {
	for _, args := range [][]string{
		{"-max", "0"}, {"-min", "5", "-max", "4"}, {"-target", "0"}, {"-concurrency", "0"}, {"-service", "1ms"}, {"-trace", "flood"}, {"-every", "0s"},
	} {
		if err := simulate(append(args, "-svg", ""), io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q was taken", args)
		}
	}
}
