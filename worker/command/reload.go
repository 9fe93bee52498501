package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/workerenv"
	"github.com/asyncqueue/operator/queue"
)

// reloadPatience is how long a reload goes on trying to reach Redis.
const reloadPatience = 30 * time.Second

type reloadOptions struct {
	state string
	max   int
}

func (c *cli) reloadCommand() *cobra.Command {
	var o reloadOptions
	command := &cobra.Command{
		Use:   "reload",
		Short: "Put messages from timeout or failed back on waiting",
		Args:  noArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return c.reload(command.Context(), o) },
	}
	flags := command.Flags()
	c.bind(flags, append(connectionFlags(), workerenv.MaxReloads))
	flags.StringVar(&o.state, "state", string(queue.Timeout), "where to take messages from: timeout or failed")
	flags.IntVar(&o.max, "max", 1000, "how many messages at most; 0 is all that stand there")
	return command
}

// reload moves messages and prints how many.
func (c *cli) reload(ctx context.Context, o reloadOptions) error {
	from, err := queue.ParseState(o.state)
	if err != nil || (from != queue.Timeout && from != queue.Failed) {
		return usagef("reading --state: want timeout or failed, not %q", o.state)
	}
	if o.max < 0 {
		return usagef("reading --max: want at least 0, not %d", o.max)
	}
	q, closeQueue, err := c.open("reload")
	if err != nil {
		return err
	}
	defer closeQueue()
	var all queue.ReloadResult
	options := queue.ReloadOptions{Max: o.max, MaxReloads: c.settings.MaxReloads}
	err = persist(ctx, reloadPatience, func() error {
		result, err := q.Reload(ctx, from, options)
		all.Moved += result.Moved
		all.Poisoned += result.Poisoned
		all.Skipped = result.Skipped
		if o.max > 0 {
			options.Max = o.max - all.Moved - all.Poisoned
		}
		if o.max > 0 && options.Max <= 0 {
			return nil // an error came after the last of them
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w (moved before: %d)", err, all.Moved)
	}
	return c.say("reloaded %d from %s to waiting, %d to failed for too many reloads, %d left since their run goes on",
		all.Moved, from, all.Poisoned, all.Skipped)
}

// open connects to the queue that the settings name.
func (c *cli) open(role string) (*queue.Queue, func(), error) {
	if err := c.settings.Validate(); err != nil {
		return nil, nil, &usageError{err}
	}
	rdb, err := redisconn.New(c.redis(role, 0))
	if err != nil {
		return nil, nil, &usageError{err}
	}
	q, err := queue.New(rdb, c.settings.Channel)
	if err != nil {
		_ = rdb.Close()
		return nil, nil, &usageError{err}
	}
	return q, func() { _ = rdb.Close() }, nil
}

// persist repeats call while its error may pass by itself, for as long as
// patience.
func persist(ctx context.Context, patience time.Duration, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := call()
		if err == nil || !redisconn.IsTransient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}
