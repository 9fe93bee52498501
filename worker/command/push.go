package command

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/asyncqueue/operator/queue"
)

// pushBatch is how many messages one push takes along where no rate is asked for.
const pushBatch = 100

// pushOptions are the flags of push.
type pushOptions struct {
	jobType  string
	data     string
	source   string
	raw      bool
	class    string
	params   []string
	uniqueID string

	maxAttempts int // below 0: not given
	count       int
	rate        float64 // per second; 0: as fast as it goes
	delay       time.Duration
	intakeKey   string
	durable     queue.Durable
}

func (c *cli) pushCommand() *cobra.Command {
	var o pushOptions
	command := &cobra.Command{
		Use:   "push [flags] [FILE...]",
		Short: "Push messages: CloudEvents, PHP jobs as Hyperf writes them, or raw files",
		Example: fmt.Sprintf(`  %[1]s push --type demo.job --data '{"seconds":1}' --count 100 --rate 10
  %[1]s push --hyperf-class 'App\Job\DemoJob' --param seconds=4 --delay 5s
  %[1]s push --raw message.bin`, c.program),
		RunE: func(command *cobra.Command, files []string) error {
			return c.push(command.Context(), o, files)
		},
	}
	flags := command.Flags()
	c.bind(flags, connectionFlags())
	flags.StringVar(&o.jobType, "type", "", "type of the CloudEvents to push")
	flags.StringVar(&o.data, "data", "{}", "data of the CloudEvents, JSON")
	flags.StringVar(&o.source, "source", "asyncqueue/push", "source of the CloudEvents")
	flags.BoolVar(&o.raw, "raw", false, "push the bytes of each FILE")
	flags.StringVar(&o.class, "hyperf-class", "", "class of the PHP jobs to push, serialised as Hyperf does")
	flags.StringArrayVar(&o.params, "param", nil, "name=value in the PHP job's property params; repeat it")
	flags.StringVar(&o.uniqueID, "unique-id", "", "id of the message (default: a random one for each)")
	flags.IntVar(&o.maxAttempts, "max-attempts", -1, "retries that the message allows (default: as the queue says)")
	flags.IntVar(&o.count, "count", 1, "how many messages to push, of each FILE too")
	flags.Float64Var(&o.rate, "rate", 0, "messages a second; 0 is as fast as it goes")
	flags.DurationVar(&o.delay, "delay", 0, "how long the messages rest before they are due, as 5s")
	flags.StringVar(&o.intakeKey, "intake-key", "", "key of the intake gate, as c:IS_PUSH_orders: while it is closed, nothing is pushed and the exit status is 3")
	flags.IntVar(&o.durable.Replicas, "replicas", 0, "how many replicas of Redis must confirm each push")
	flags.DurationVar(&o.durable.Timeout, "replicas-timeout", time.Second, "how long to wait for them")
	return command
}

// validate names the flag that makes no sense.
func (o pushOptions) validate(files []string) error {
	kinds := 0
	for _, given := range []bool{o.raw, o.jobType != "", o.class != ""} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return usagef("reading the flags: exactly one of --type, --hyperf-class and --raw must be given")
	case o.raw && len(files) == 0:
		return usagef("reading the flags: --raw needs the name of a file")
	case !o.raw && len(files) > 0:
		return usagef("reading the arguments: %q goes with --raw only", files[0])
	case len(o.params) > 0 && o.class == "":
		return usagef("reading --param: it goes with --hyperf-class only")
	case o.count < 1:
		return usagef("reading --count: want at least 1, not %d", o.count)
	case o.rate < 0 || math.IsNaN(o.rate) || math.IsInf(o.rate, 0):
		return usagef("reading --rate: want at least 0, not %g", o.rate)
	case o.durable.Replicas < 0:
		return usagef("reading --replicas: want at least 0, not %d", o.durable.Replicas)
	case o.durable.Timeout < time.Millisecond:
		return usagef("reading --replicas-timeout: want at least 1ms, not %s", o.durable.Timeout)
	case o.delay < 0:
		return usagef("reading --delay: want at least 0, not %s", o.delay)
	}
	return nil
}

// push makes the messages and pushes them, at the rate that was asked for.
func (c *cli) push(ctx context.Context, o pushOptions, files []string) error {
	if err := o.validate(files); err != nil {
		return err
	}
	next, each, err := o.messages(files)
	if err != nil {
		return err
	}
	q, closeQueue, err := c.open("push")
	if err != nil {
		return err
	}
	defer closeQueue()
	producer, err := q.NewProducer(queue.ProducerConfig{IntakeKey: o.intakeKey, Durable: o.durable})
	if err != nil {
		return err
	}
	moved := 0
	pushed, err := pace(ctx, o.count*each, o.rate, func(n int) error {
		batch := make([][]byte, 0, n)
		for range n {
			payload, err := next()
			if err != nil {
				return err
			}
			batch = append(batch, payload)
		}
		if o.delay > 0 {
			added, err := producer.PushDelayed(ctx, o.delay, batch...)
			if err == nil || errors.Is(err, queue.ErrNotReplicated) {
				moved += len(batch) - added
			}
			return err
		}
		return producer.Push(ctx, batch...)
	})
	switch {
	case errors.Is(err, queue.ErrUnknownOutcome):
		return fmt.Errorf("%w (pushed before: %d; the last batch may have arrived)", err, pushed)
	case errors.Is(err, queue.ErrNotReplicated):
		return fmt.Errorf("%w (pushed before: %d; the last batch stands on the primary)", err, pushed)
	case err != nil:
		return fmt.Errorf("%w (pushed before: %d)", err, pushed)
	case moved > 0:
		return c.say("pushed %d to %s, of which %d moved an equal message that waited there to the new time", pushed, q.Channel(), moved)
	}
	return c.say("pushed %d to %s", pushed, q.Channel())
}

// pace calls push for total messages in all, at most rate a second, and returns
// how many were pushed.
func pace(ctx context.Context, total int, rate float64, push func(n int) error) (int, error) {
	began, done := time.Now(), 0
	for done < total {
		n := min(pushBatch, total-done)
		if rate > 0 {
			due := int(min(time.Since(began).Seconds()*rate, float64(total))) + 1 // the first goes at once
			if due <= done {
				at := began.Add(time.Duration(float64(done) / rate * float64(time.Second)))
				select {
				case <-ctx.Done():
					return done, ctx.Err()
				case <-time.After(max(time.Until(at), time.Millisecond)):
				}
				continue
			}
			n = min(n, due-done)
		}
		if err := push(n); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}
