package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/tracing"
)

// traceFlush bounds the sending of the last spans.
const traceFlush = 3 * time.Second

// traces reads the standard variables of OpenTelemetry and says whether spans are
// sent anywhere. The exporter reads the others: endpoint, headers, timeout, TLS,
// sampler, resource attributes.
func (c *cli) traces() bool {
	is := func(name, value string) bool {
		text, _ := c.streams.LookupEnv(name)
		return strings.EqualFold(text, value)
	}
	if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
		return false
	}
	return is("OTEL_TRACES_EXPORTER", "otlp") ||
		!is("OTEL_EXPORTER_OTLP_ENDPOINT", "") || !is("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
}

// The protocols that spans are sent by, as the standard variables name them.
const (
	protocolGRPC = "grpc"
	protocolHTTP = "http/protobuf"
)

// traceProtocol reads the standard variables that name the protocol, that of traces
// alone first. Like all of OpenTelemetry it takes an empty one as absent.
func (c *cli) traceProtocol() (string, error) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		text, _ := c.streams.LookupEnv(name)
		switch protocol := strings.ToLower(strings.TrimSpace(text)); protocol {
		case "":
		case protocolGRPC, protocolHTTP:
			return protocol, nil
		default:
			return "", usagef("reading %s: want %s or %s, not %q", name, protocolGRPC, protocolHTTP, text)
		}
	}
	return protocolHTTP, nil
}

// exporter sends spans. It does not wait for a connection.
func (c *cli) exporter(ctx context.Context) (*otlptrace.Exporter, error) {
	protocol, err := c.traceProtocol()
	if err != nil {
		return nil, err
	}
	var exporter *otlptrace.Exporter
	if protocol == protocolGRPC {
		exporter, err = otlptracegrpc.New(ctx)
	} else {
		exporter, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("making the exporter of traces: %w", err)
	}
	return exporter, nil
}

// traced makes a span of each run of h, where that is asked for; else h stays as it
// is. The returned function sends what has not been sent.
func (c *cli) traced(ctx context.Context, h worker.Handler) (worker.Handler, func(), error) {
	if !c.traces() {
		return h, func() {}, nil
	}
	exporter, err := c.exporter(ctx)
	if err != nil {
		return nil, nil, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "asyncqueue-worker"),
		attribute.String("asyncqueue.queue", c.settings.Queue),
		attribute.String("asyncqueue.channel", c.settings.Channel),
	), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("describing the worker for traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	flush := func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), traceFlush)
		defer cancel()
		_ = provider.Shutdown(last) // spans are not worth an exit status
	}
	return worker.Chain(h, tracing.Middleware(provider)), flush, nil
}
