package worker

import "context"

// TypedJob is a Job with its parameters decoded.
type TypedJob[T any] struct {
	*Job
	// Args are the job's parameters: what Job.Bind reads into a T.
	Args T
}

// Handle makes f the handler for jobs of one type, whose parameters are decoded
// into a T with encoding/json: the data of a CloudEvent, or the properties of a
// PHP job by their bare names. Parameters that do not fit are no failed attempt
// but the verdict Fail: no repetition can mend them.
//
// The middleware runs around the decoding, after that of Mux.Use.
func Handle[T any](m *Mux, jobType string, f func(ctx context.Context, job TypedJob[T]) error, middleware ...Middleware) {
	m.Register(jobType, Typed(f), middleware...)
}

// Typed returns f as a Handler, to be used without a Mux.
func Typed[T any](f func(ctx context.Context, job TypedJob[T]) error) Handler {
	return HandlerFunc(func(ctx context.Context, job *Job) error {
		typed := TypedJob[T]{Job: job}
		if err := job.Bind(&typed.Args); err != nil {
			return Fail(err)
		}
		return f(ctx, typed)
	})
}
