package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// Middleware wraps a Handler in another that does something before and after. It
// is called once, when the chain is built; what it returns is called for each
// job, by many goroutines at once.
//
//	func audit(next worker.Handler) worker.Handler {
//		return worker.HandlerFunc(func(ctx context.Context, job *worker.Job) error {
//			err := next.Handle(ctx, job)
//			record(job.ID, err)
//			return err
//		})
//	}
type Middleware func(next Handler) Handler

// Chain wraps h in middleware: the first runs first, h last.
func Chain(h Handler, middleware ...Middleware) Handler {
	for i := len(middleware) - 1; i >= 0; i-- {
		h = middleware[i](h)
	}
	return h
}

// ErrTimeout is the cause of the cancelled context of a handler that took longer
// than the middleware Timeout allows.
var ErrTimeout = errors.New("the job took longer than its timeout")

// Timeout cancels a handler's context after d, with the cause ErrTimeout. A
// handler that fails after that has made a failed attempt, whose error wraps
// ErrTimeout; one that ends well is done. It is meant to be shorter than the
// queue's handle timeout, after which a failed run is not retried any more.
//
// A handler that does not look at its context goes on until it ends.
func Timeout(d time.Duration) Middleware {
	late := fmt.Errorf("%w of %s", ErrTimeout, d)
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, job *Job) error {
			ctx, cancel := context.WithTimeoutCause(ctx, d, late)
			defer cancel()
			err := next.Handle(ctx, job)
			if err == nil || !errors.Is(context.Cause(ctx), ErrTimeout) || errors.Is(err, ErrTimeout) {
				return err
			}
			return fmt.Errorf("%w: %w", late, err)
		})
	}
}

// Recover turns a panic into a *PanicError, for the middleware around it to see.
// Without it the worker does the same, outside of all middleware.
func Recover() Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, job *Job) error { return recovered(ctx, next, job) })
	}
}

// recovered runs h. A panic becomes an error.
func recovered(ctx context.Context, h Handler, job *Job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return h.Handle(ctx, job)
}

// loggerKey is the key of a context's logger.
type loggerKey struct{}

// Logging gives handlers a logger whose lines carry the job's id, type and
// attempt: see Logger. It writes nothing itself; NewJobLog does.
func Logging(log *slog.Logger) Middleware {
	return func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, job *Job) error {
			own := log.With("jobID", job.ID, "jobType", job.Type, "attempt", job.Attempt)
			return next.Handle(context.WithValue(ctx, loggerKey{}, own), job)
		})
	}
}

// Logger returns the logger of the job that ctx belongs to, as the middleware
// Logging made it, and otherwise slog.Default().
func Logger(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(loggerKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.Default()
}
