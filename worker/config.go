package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config says how a worker consumes its queue. Store is required; every other
// field has a default.
type Config struct {
	// Store holds the messages: a *queue.Consumer with the same handle timeout.
	Store Store
	// Keeper tends the channel: a *queue.Keeper. Nil: this worker leaves that to
	// others.
	Keeper Keeper
	// Concurrency is the number of handlers that run at once. Default 10.
	// Worker.SetConcurrency changes it later.
	Concurrency int
	// Pop is the longest wait for a message in one call. Default 2 s.
	Pop time.Duration
	// HandleTimeout is after how long a run is late. Default 10 s.
	HandleTimeout time.Duration
	// OnHandleTimeout says what happens to a late run. Default Continue.
	OnHandleTimeout HandleTimeoutPolicy
	// OnLateSuccess says what happens to the message, in `timeout`, of a late run
	// that ends well. Default Keep.
	OnLateSuccess LateSuccessPolicy
	// Retry holds the delay before each retry; the last repeats. Empty: 10 s.
	Retry []time.Duration
	// MaxAttempts is the number of retries of messages that do not carry their
	// own. Default 0: one run.
	MaxAttempts int
	// Drain is how long handlers may go on once Run is asked to stop. Then
	// their context is cancelled, and 3 s later Run gives up on them. Default
	// HandleTimeout + 20 s.
	Drain time.Duration
	// MaxMessages is after how many messages Run drains and returns ErrRecycled, so
	// that the process can be replaced: for handlers that leak. Default 0: never.
	MaxMessages int
	// ContinueLost lets handlers go on whose message was taken back because this
	// worker had been taken for dead. Default: their context is cancelled, with
	// the cause ErrLost. It is for queues where such a message is parked in
	// `timeout`, and does not run again by itself.
	ContinueLost bool
	// Turn makes the queue exclusive: a message begins only while this worker has
	// the turn, *queue.Turn, and Job.Fence grows with each. It needs a
	// Concurrency of 1. Default nil: not exclusive.
	Turn Turn
	// Listeners are told of every event, in this order.
	Listeners []Listener
	// Metrics counts what happens. Nil: nothing is counted.
	Metrics *Metrics
	// Logger gets what an operator acts on: Redis gone and back, the drain, a
	// worker taken for dead. Default: slog.Default. Jobs are logged by the
	// listener JobLog.
	Logger *slog.Logger
}

func (c *Config) setDefaults() {
	if c.Concurrency == 0 {
		c.Concurrency = 10
	}
	if c.Pop == 0 {
		c.Pop = 2 * time.Second
	}
	if c.HandleTimeout == 0 {
		c.HandleTimeout = 10 * time.Second
	}
	if c.OnHandleTimeout == "" {
		c.OnHandleTimeout = Continue
	}
	if c.OnLateSuccess == "" {
		c.OnLateSuccess = Keep
	}
	if c.Drain == 0 {
		c.Drain = c.HandleTimeout + 20*time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

func (c *Config) validate() error {
	switch {
	case c.Store == nil:
		return errors.New("Config.Store must be set")
	case c.Concurrency < 0:
		return fmt.Errorf("Config.Concurrency must be at least 1, not %d", c.Concurrency)
	case c.Turn != nil && c.Concurrency != 1:
		return fmt.Errorf("Config.Concurrency must be 1 with Config.Turn, not %d", c.Concurrency)
	case c.Pop < 0:
		return fmt.Errorf("Config.Pop must be positive, not %s", c.Pop)
	case c.HandleTimeout < 0:
		return fmt.Errorf("Config.HandleTimeout must be positive, not %s", c.HandleTimeout)
	case c.Drain < 0:
		return fmt.Errorf("Config.Drain must be positive, not %s", c.Drain)
	case c.MaxMessages < 0:
		return fmt.Errorf("Config.MaxMessages must be at least 0, not %d", c.MaxMessages)
	case c.OnHandleTimeout != Continue && c.OnHandleTimeout != Cancel:
		return fmt.Errorf("Config.OnHandleTimeout must be %s or %s, not %q", Continue, Cancel, string(c.OnHandleTimeout))
	case c.OnLateSuccess != Keep && c.OnLateSuccess != Remove:
		return fmt.Errorf("Config.OnLateSuccess must be %s or %s, not %q", Keep, Remove, string(c.OnLateSuccess))
	case c.MaxAttempts < 0:
		return fmt.Errorf("Config.MaxAttempts must be at least 0, not %d", c.MaxAttempts)
	}
	for _, d := range c.Retry {
		if d < 0 {
			return fmt.Errorf("Config.Retry must not hold %s", d)
		}
	}
	return nil
}
