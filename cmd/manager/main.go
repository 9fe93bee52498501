// Command manager runs the operator: it turns AsyncQueues into workers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/go-logr/logr"
	"github.com/redis/go-redis/v9"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/asyncqueue/operator/internal/version"
)

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

// gcPercent is how much garbage the manager gathers, in percent of what it uses, where
// GOGC says nothing. Most of what it uses is the cache, which stays: the default of
// 100 would double its memory to spare little work.
const gcPercent = 40

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit code: 2 with one line where the flags make no sense, 1
// where the operator cannot run.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprint(stdout, usage())
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "manager: %v (see manager --help)\n", err)
		return exitUsage
	case o.version:
		_, _ = fmt.Fprintln(stdout, version.Version)
		return 0
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: o.logLevel}))
	sink := logr.FromSlogHandler(log.Handler())
	ctrl.SetLogger(sink)
	klog.SetLogger(sink)
	redis.SetLogger(quiet{})
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := serve(ctrl.SetupSignalHandler(), o); err != nil {
		log.Error("The operator cannot run", "error", err)
		return exitFailure
	}
	return 0
}

// quiet drops what go-redis would print on its own: each of its faults also comes
// back as an error, and ends up in the condition of the queue that it concerns.
type quiet struct{}

// Printf does nothing.
func (quiet) Printf(context.Context, string, ...any) {}
