// Package command is the command line of a worker: the flags, environment
// variables, endpoints and subcommands of the worker image, for any handler.
//
//	func main() { command.Main(mux) }
//
// Subcommands: run (the default) consumes; reload puts timed-out messages back;
// push produces; install copies the program, for an image that lacks it; version
// tells the version. Each flag of a setting has an
// environment variable: --pop-seconds is ASYNCQUEUE_POP_SECONDS.
//
// Flags that make no sense end the program with one line on the standard error
// and exit status 2, a push at a closed intake gate with 3, everything else that
// goes wrong with 1.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/asyncqueue/operator/internal/version"
	"github.com/asyncqueue/operator/internal/workerenv"
	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker"
)

// The exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitClosed  = 3 // the intake gate is closed
)

// Main runs the command line of a worker whose handler is h, and exits. SIGTERM
// and SIGINT end it in order; a second signal ends it at once. With a nil
// handler, --http-url or --exec must choose one.
func Main(h worker.Handler) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // the next signal has its usual effect
	redis.SetLogger(silence{})   // what the client has to say comes as errors
	status := Execute(ctx, h, os.Args, IO{Out: os.Stdout, Err: os.Stderr, LookupEnv: os.LookupEnv, Restart: restart})
	stop()
	os.Exit(status)
}

// silence is the logger of the Redis client.
type silence struct{}

// Printf does nothing.
func (silence) Printf(context.Context, string, ...any) {}

// IO is what a command line sees of the world.
type IO struct {
	// Out gets results, Err log lines and errors.
	Out, Err io.Writer
	// LookupEnv reads the environment, as os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// Restart replaces the process by a fresh one when the worker is recycled
	// (--max-messages, --max-memory-percent). It returns only an error. Nil: the
	// command ends with status 0 instead.
	Restart func() error
}

// Execute runs one command line until it ends or ctx is cancelled, and returns
// the exit status. args begins with the program's name.
func Execute(ctx context.Context, h worker.Handler, args []string, streams IO) int {
	program := filepath.Base(args[0])
	err := run(ctx, h, program, args[1:], streams)
	if errors.Is(err, worker.ErrRecycled) {
		err = nil
		if streams.Restart != nil && ctx.Err() == nil {
			err = streams.Restart()
		}
	}
	if err == nil {
		return exitOK
	}
	line := strings.ReplaceAll(err.Error(), "\n", "; ")
	fmt.Fprintf(streams.Err, "%s: %s\n", program, line) //nolint:errcheck // nowhere to tell
	if usage := (*usageError)(nil); errors.As(err, &usage) {
		return exitUsage
	}
	if errors.Is(err, queue.ErrIntakeClosed) {
		return exitClosed
	}
	return exitFailure
}

func run(ctx context.Context, h worker.Handler, program string, args []string, streams IO) error {
	settings, err := workerenv.Decode(streams.LookupEnv)
	if err != nil {
		return &usageError{err}
	}
	c := &cli{program: program, handler: h, settings: settings, streams: streams, memory: ownMemory()}
	return c.execute(ctx, args)
}

// cli is one command line with the settings that its flags fill in.
type cli struct {
	program  string
	handler  worker.Handler
	settings workerenv.Settings
	streams  IO
	memory   memoryWatch
}

func (c *cli) execute(ctx context.Context, args []string) error {
	root := c.root()
	root.SetArgs(args)
	root.SetOut(c.streams.Out)
	root.SetErr(c.streams.Err)
	return root.ExecuteContext(ctx)
}

func (c *cli) root() *cobra.Command {
	root := c.runCommand()
	root.Use = c.program + " [flags] [-- command...]"
	root.Short = "Consume a Redis-backed job queue"
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(c.runCommand(), c.reloadCommand(), c.pushCommand(), c.installCommand(), c.versionCommand())
	return root
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return c.say("%s", version.Version)
		},
	}
}

// say prints a line of a result.
func (c *cli) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.streams.Out, format+"\n", args...); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// usageError is a command line that makes no sense.
type usageError struct{ err error }

// Error returns what is wrong.
func (e *usageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("reading the arguments: %q is not a command", args[0])
	}
	return nil
}
