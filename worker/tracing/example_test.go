package tracing_test

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/tracing"
)

// A program of one's own brings its provider of tracers.
func Example() {
	provider := sdktrace.NewTracerProvider() // with an exporter
	mux := worker.NewMux()
	mux.Use(tracing.Middleware(provider))
	mux.HandleFunc("mail.send", func(context.Context, *worker.Job) error { return nil })
}
