// Package tracing continues the traces of producers in handlers, with
// OpenTelemetry.
//
//	mux.Use(tracing.Middleware(provider))
//
// Each run becomes a span whose parent is the message's extension traceparent. The
// worker's command line does this by itself where the standard variables
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT are set.
package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/asyncqueue/operator/worker"
)

// scope names the instrumentation in spans.
const scope = "github.com/asyncqueue/operator/worker"

// Middleware makes a span of each run. It carries the job's id, type and attempt,
// never its parameters. A panic is recovered here, to be seen in the span.
func Middleware(provider trace.TracerProvider) worker.Middleware {
	tracer := provider.Tracer(scope)
	recovering := worker.Recover()
	return func(next worker.Handler) worker.Handler {
		next = recovering(next)
		return worker.HandlerFunc(func(ctx context.Context, job *worker.Job) error {
			ctx, span := tracer.Start(withParent(ctx, job), "process "+job.Type,
				trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attributes(job)...))
			defer span.End()
			err := next.Handle(ctx, job)
			if err != nil {
				span.RecordError(err)
				span.SetStatus(codes.Error, err.Error())
			}
			return err
		})
	}
}

// withParent returns ctx with the span that the message names.
func withParent(ctx context.Context, job *worker.Job) context.Context {
	if job.Message == nil || job.Message.TraceParent() == "" {
		return ctx
	}
	carrier := propagation.MapCarrier{"traceparent": job.Message.TraceParent()}
	return propagation.TraceContext{}.Extract(ctx, carrier)
}

func attributes(job *worker.Job) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "asyncqueue"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.message.id", job.ID),
		attribute.String("asyncqueue.job.type", job.Type),
		attribute.Int("asyncqueue.job.attempt", job.Attempt),
		attribute.Int("asyncqueue.job.redelivered", job.Redelivered),
	}
}
