// Package exechandler is a worker.Handler that starts a command for each message.
//
// The command reads the message on its standard input: a CloudEvent in JSON, or
// with PayloadRaw the bytes as they stood in Redis. Its environment is the
// worker's with these added:
//
//	CE_SPECVERSION, CE_ID, CE_TYPE, CE_SOURCE, CE_TIME  of the CloudEvent
//	ASYNCQUEUE_JOB_ID, ASYNCQUEUE_JOB_TYPE
//	ASYNCQUEUE_JOB_ATTEMPT       1 for the first run
//	ASYNCQUEUE_JOB_MAX_ATTEMPTS  retries allowed
//	ASYNCQUEUE_JOB_REDELIVERED   how often a crash or a reload brought it back
//	TRACEPARENT                  of the run's span, where runs are traced
//	ASYNCQUEUE_JOB_FENCE         grows with each run; at an exclusive queue only
//
// Its exit status decides what becomes of the message:
//
//	0             done
//	75            retried (EX_TEMPFAIL)
//	65            dropped (EX_DATAERR)
//	another, or   a failed attempt: retried while attempts are left, then
//	a signal      failed, with the end of the command's output as the reason
//
// A command runs in a process group of its own, so that a signal to the worker
// does not reach it. When the worker's drain time is over the group gets SIGTERM,
// and 2 s later SIGKILL.
package exechandler

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Payload is what a command reads.
type Payload string

// The forms of a message on the standard input.
const (
	PayloadJSON Payload = "json" // a CloudEvent in structured mode
	PayloadRaw  Payload = "raw"  // the bytes as they stood in Redis
)

// Config says which command runs.
type Config struct {
	// Command is the program with its arguments. Required.
	Command []string
	// Payload is what it reads. Default PayloadJSON.
	Payload Payload
	// Source is the source of events that carry none. Default "asyncqueue".
	Source string
	// KillAfter is the time between SIGTERM and SIGKILL. Default 2 s, below the
	// 3 s that a worker waits for its handlers after the drain.
	KillAfter time.Duration
	// Output gets what commands print, both streams. Default os.Stderr.
	Output io.Writer
}

func (c *Config) setDefaults() {
	if c.Payload == "" {
		c.Payload = PayloadJSON
	}
	if c.Source == "" {
		c.Source = "asyncqueue"
	}
	if c.KillAfter == 0 {
		c.KillAfter = 2 * time.Second
	}
	if c.Output == nil {
		c.Output = os.Stderr
	}
}

func (c *Config) validate() error {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return errors.New("Config.Command must name a program")
	}
	if c.Payload != PayloadJSON && c.Payload != PayloadRaw {
		return fmt.Errorf("Config.Payload must be %q or %q, not %q", PayloadJSON, PayloadRaw, c.Payload)
	}
	return nil
}
