package tracing

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/workertest"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent  = "00f067aa0ba902b7"
	event   = `{"specversion":"1.0","type":"a","id":"1","source":"t","data":{"secret":"s3cret"},"traceparent":"00-` + traceID + `-` + parent + `-01"}`
)

func TestMiddleware(t *testing.T) {
	no := errors.New("no")
	for name, test := range map[string]struct {
		raw        string
		handle     func() error
		wantParent string
		wantCode   codes.Code
	}{
		"done":            {event, func() error { return nil }, parent, codes.Unset},
		"failed":          {event, func() error { return no }, parent, codes.Error},
		"panicked":        {event, func() error { panic(no) }, parent, codes.Error},
		"without a trace": {`{"specversion":"1.0","type":"a","id":"1","source":"t"}`, func() error { return nil }, "0000000000000000", codes.Unset},
	} {
		t.Run(name, func(t *testing.T) {
			spans := tracetest.NewInMemoryExporter()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
			var inside trace.SpanContext
			h := worker.Chain(worker.HandlerFunc(func(ctx context.Context, _ *worker.Job) error {
				inside = trace.SpanContextFromContext(ctx)
				return test.handle()
			}), Middleware(provider))
			_ = h.Handle(t.Context(), workertest.Decode(t, []byte(test.raw)))
			got := spans.GetSpans()
			if len(got) != 1 {
				t.Fatalf("%d spans, want 1", len(got))
			}
			span := got[0]
			if span.SpanContext.SpanID() != inside.SpanID() || span.Parent.SpanID().String() != test.wantParent || span.Status.Code != test.wantCode {
				t.Errorf("span %s of parent %s with %v; want that of the handler, of parent %s with %v",
					span.SpanContext.SpanID(), span.Parent.SpanID(), span.Status.Code, test.wantParent, test.wantCode)
			}
			if test.wantParent == parent && span.SpanContext.TraceID().String() != traceID {
				t.Errorf("trace %s, want %s", span.SpanContext.TraceID(), traceID)
			}
			want := []attribute.KeyValue{
				attribute.String("messaging.system", "asyncqueue"), attribute.String("messaging.operation.type", "process"),
				attribute.String("messaging.message.id", "1"), attribute.String("asyncqueue.job.type", "a"),
				attribute.Int("asyncqueue.job.attempt", 1), attribute.Int("asyncqueue.job.redelivered", 0),
			}
			if diff := cmp.Diff(want, span.Attributes, cmp.Comparer(func(a, b attribute.KeyValue) bool { return a == b })); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}
