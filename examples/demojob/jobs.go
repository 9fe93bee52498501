package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/asyncqueue/operator/worker"
)

// demoTime is how long a DemoJob takes that names no other time.
const demoTime = 4 * time.Second

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
	return mux
}

// runDemo sleeps for one, two and one quarters of its time, and logs in between.
func runDemo(ctx context.Context, job *worker.Job, log *slog.Logger) error {
	total, err := duration(job.Data())
	if err != nil {
		return worker.Fail(err)
	}
	log = log.With("jobID", job.ID, "attempt", job.Attempt)
	log.Info("DemoJob start.", "seconds", total.Seconds())
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

// duration reads the parameter seconds: of a CloudEvent's data, or of a PHP job's
// property params.
func duration(data json.RawMessage) (time.Duration, error) {
	var job struct {
		Seconds any             `json:"seconds"`
		Params  json.RawMessage `json:"params"`
	}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &job); err != nil {
			return 0, errors.New("want an object with the parameter seconds")
		}
	}
	if job.Seconds == nil && len(job.Params) > 0 && job.Params[0] == '{' { // PHP's empty array is a list
		return duration(job.Params)
	}
	switch seconds := job.Seconds.(type) {
	case nil:
		return demoTime, nil
	case float64:
		return checked(seconds)
	case string:
		n, err := strconv.ParseFloat(seconds, 64)
		if err != nil {
			return 0, errors.New("want a number in the parameter seconds")
		}
		return checked(n)
	}
	return 0, errors.New("want a number in the parameter seconds")
}

func checked(seconds float64) (time.Duration, error) {
	if !(seconds >= 0 && seconds <= 24*3600) {
		return 0, errors.New("want from 0 to 86400 in the parameter seconds")
	}
	return time.Duration(seconds * float64(time.Second)), nil
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
