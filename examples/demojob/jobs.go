package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/asyncqueue/operator/worker"
)

// A DemoJob takes demoSeconds where it names no other time, and at most a day.
const (
	demoSeconds = 4
	daySeconds  = 24 * 3600
)

// errOnPurpose is what a FailJob ends with.
var errOnPurpose = errors.New("failing on purpose")

// newJobs returns the handlers of all demo jobs.
func newJobs(log *slog.Logger) *worker.Mux {
	demo := func(ctx context.Context, job *worker.Job) error { return runDemo(ctx, job, log) }
	noop := func(context.Context, *worker.Job) error { return nil }
	fail := func(context.Context, *worker.Job) error { return errOnPurpose }

	mux := worker.NewMux()
	mux.HandleFunc(`App\Job\DemoJob`, demo)
	mux.HandleFunc("demo.job", demo)
	mux.HandleFunc(`App\Job\NoopJob`, noop)
	mux.HandleFunc("demo.noop", noop)
	mux.HandleFunc(`App\Job\FailJob`, fail)
	mux.HandleFunc("demo.fail", fail)
	forgetful := &leak{}
	mux.Register(`App\Job\LeakJob`, forgetful)
	mux.Register("demo.leak", forgetful)
	return mux
}

// runDemo sleeps for one, two and one quarters of its time, and logs in between.
func runDemo(ctx context.Context, job *worker.Job, log *slog.Logger) error {
	seconds, err := number(job.Data(), "seconds", demoSeconds, daySeconds)
	if err != nil {
		return worker.Fail(err)
	}
	total := time.Duration(seconds * float64(time.Second))
	log = log.With("jobID", job.ID, "attempt", job.Attempt)
	log.Info("DemoJob start.", "seconds", seconds)
	for _, step := range []struct {
		quarters time.Duration
		say      string
	}{{1, "DemoJob running."}, {2, "DemoJob still running."}, {1, "DemoJob end."}} {
		if err := rest(ctx, total*step.quarters/4); err != nil {
			return err
		}
		log.Info(step.say)
	}
	return nil
}

// leak keeps what its jobs take, as a handler does that forgets to let go.
type leak struct {
	mu   sync.Mutex
	kept [][]byte
}

// Handle takes 16 MiB, or as many as it is told.
func (l *leak) Handle(_ context.Context, job *worker.Job) error {
	mebibytes, err := number(job.Data(), "mebibytes", 16, 1024)
	if err != nil {
		return worker.Fail(err)
	}
	taken := bytes.Repeat([]byte{1}, int(mebibytes)<<20) // written, for what was only asked for takes no memory
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, taken)
	return nil
}

// number reads a parameter between 0 and most: of a CloudEvent's data, or of a PHP
// job's property params.
func number(data json.RawMessage, name string, absent, most float64) (float64, error) {
	var job map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &job); err != nil {
			return 0, fmt.Errorf("want an object with the parameter %s", name)
		}
	}
	value := job[name]
	if params, ok := job["params"].(map[string]any); ok && value == nil { // PHP's empty array is a list
		value = params[name]
	}
	var n float64
	switch value := value.(type) {
	case nil:
		return absent, nil
	case float64:
		n = value
	case string:
		var err error
		if n, err = strconv.ParseFloat(value, 64); err != nil {
			return 0, fmt.Errorf("want a number in the parameter %s", name)
		}
	default:
		return 0, fmt.Errorf("want a number in the parameter %s", name)
	}
	if !(n >= 0 && n <= most) {
		return 0, fmt.Errorf("want from 0 to %g in the parameter %s", most, name)
	}
	return n, nil
}

// rest sleeps unless the worker's drain time ends before.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
