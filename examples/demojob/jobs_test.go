package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

// newJob makes a run of a message that a producer would push.
func newJob(t *testing.T, raw []byte, err error) *worker.Job {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	message, err := payload.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &worker.Job{ID: message.ID(), Type: message.Type(), Attempt: 1, Message: message}
}

func phpJob(t *testing.T, class string, params any) *worker.Job {
	t.Helper()
	raw, err := payload.NewHyperf(payload.HyperfJob{Class: class, UniqueID: "u", Params: params})
	return newJob(t, raw, err)
}

func eventJob(t *testing.T, jobType, data string) *worker.Job {
	t.Helper()
	raw, err := payload.NewCloudEvent(payload.Event{Type: jobType, Source: "test", Data: json.RawMessage(data)})
	return newJob(t, raw, err)
}

// The seed's S18: a DemoJob takes 1 + 2 + 1 s, or as long as it is told.
func TestDemoJob(t *testing.T) {
	tests := map[string]struct {
		job  *worker.Job
		want time.Duration
	}{
		"a PHP job":               {phpJob(t, `App\Job\DemoJob`, nil), 4 * time.Second},
		"a PHP job with a list":   {phpJob(t, `App\Job\DemoJob`, []any{1, 2}), 4 * time.Second},
		"a PHP job told how long": {phpJob(t, `App\Job\DemoJob`, payload.Map{{Key: "seconds", Value: 16}}), 16 * time.Second},
		"a PHP job told in text":  {phpJob(t, `App\Job\DemoJob`, payload.Map{{Key: "seconds", Value: "0.5"}}), 500 * time.Millisecond},
		"an event":                {eventJob(t, "demo.job", `{}`), 4 * time.Second},
		"an event without data":   {eventJob(t, "demo.job", `null`), 4 * time.Second},
		"an event told how long":  {eventJob(t, "demo.job", `{"seconds":0.4}`), 400 * time.Millisecond},
		"an event in no time":     {eventJob(t, "demo.job", `{"seconds":0}`), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				jobs := newJobs(slog.New(slog.NewTextHandler(&out, nil)))
				began := time.Now()
				if err := jobs.Handle(t.Context(), test.job); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != test.want {
					t.Errorf("it took %s, want %s", took, test.want)
				}
				var said []string
				for line := range strings.Lines(out.String()) {
					_, rest, _ := strings.Cut(line, `msg="`)
					text, _, _ := strings.Cut(rest, `"`)
					said = append(said, text)
				}
				want := []string{"DemoJob start.", "DemoJob running.", "DemoJob still running.", "DemoJob end."}
				if diff := cmp.Diff(want, said); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestDemoJobEndsWithTheDrain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := newJobs(slog.New(slog.DiscardHandler)).Handle(ctx, eventJob(t, "demo.job", `{"seconds":3600}`))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Handle: %v, want context.Canceled", err)
	}
}

func TestBadParametersFailAtOnce(t *testing.T) {
	for _, data := range []string{`{"seconds":-1}`, `{"seconds":1e9}`, `{"seconds":"soon"}`, `{"seconds":[]}`, `"x"`, `[1]`} {
		err := newJobs(slog.New(slog.DiscardHandler)).Handle(t.Context(), eventJob(t, "demo.job", data))
		if action, _ := worker.Verdict(err); action != "fail" {
			t.Errorf("data %s: %s (%v), want fail", data, action, err)
		}
	}
}

func TestLeakJobKeepsWhatItTakes(t *testing.T) {
	l := &leak{}
	for _, job := range []*worker.Job{
		eventJob(t, "demo.leak", `{"mebibytes":2}`), phpJob(t, `App\Job\LeakJob`, payload.Map{{Key: "mebibytes", Value: "3"}}),
	} {
		if err := l.Handle(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	var kept []int
	for _, piece := range l.kept {
		kept = append(kept, len(piece))
	}
	if diff := cmp.Diff([]int{2 << 20, 3 << 20}, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	err := l.Handle(t.Context(), eventJob(t, "demo.leak", `{"mebibytes":1e9}`))
	if action, _ := worker.Verdict(err); action != "fail" {
		t.Errorf("too much: %s (%v), want fail", action, err)
	}
}

func TestOtherJobs(t *testing.T) {
	tests := map[string]string{
		`App\Job\NoopJob`: "ack", "demo.noop": "ack",
		`App\Job\FailJob`: "retry", "demo.fail": "retry",
		`App\Job\LeakJob`: "ack", "demo.leak": "ack",
		"something.else": "requeue",
	}
	for jobType, want := range tests {
		job := phpJob(t, `App\Job\NoopJob`, nil)
		job.Type = jobType
		if got, _ := worker.Verdict(newJobs(slog.New(slog.DiscardHandler)).Handle(t.Context(), job)); got != want {
			t.Errorf("%s: %s, want %s", jobType, got, want)
		}
	}
}
