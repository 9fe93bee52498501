package command_test

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// sentSpan is what a collector was told of one span, and how.
type sentSpan struct {
	Over, Service, Name, Trace, Parent string
}

// collector takes spans as an OTLP server does, over HTTP and over gRPC.
type collector struct {
	coltracepb.UnimplementedTraceServiceServer

	mu    sync.Mutex
	spans []sentSpan
}

// Export takes spans over gRPC.
func (c *collector) Export(_ context.Context, r *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	c.take("grpc", r)
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

// ServeHTTP takes spans over HTTP.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request coltracepb.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	c.take("http "+r.URL.Path, &request)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collector) take(over string, r *coltracepb.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range r.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, sentSpan{
					over, service(of.GetResource()), span.GetName(),
					hex.EncodeToString(span.GetTraceId()), hex.EncodeToString(span.GetParentSpanId()),
				})
			}
		}
	}
}

func service(r *resourcepb.Resource) string {
	for _, a := range r.GetAttributes() {
		if a.GetKey() == "service.name" {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

func (c *collector) taken() []sentSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans
}

// listenHTTP and listenGRPC serve until the test ends, and return the endpoint.
func (c *collector) listenHTTP(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return server.URL
}

func (c *collector) listenGRPC(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	coltracepb.RegisterTraceServiceServer(server, c)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

const (
	traceID    = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentSpan = "00f067aa0ba902b7"
)

func tracedMessage() string {
	return `{"specversion":"1.0","type":"sleep","id":"m","source":"test","data":{"ms":1},"traceparent":"00-` + traceID + `-` + parentSpan + `-01"}`
}

// runTraced runs a worker for one message that carries a trace.
func runTraced(t *testing.T, env map[string]string) {
	t.Helper()
	for name, text := range env {
		t.Setenv(name, text)
	}
	p := newPlace(t)
	p.push(tracedMessage())
	w := startProcess(t, p.flags("--listen=")...)
	await(t, 20*time.Second, "the run", func() bool { return w.said("ended") == 1 })
	w.signal(syscall.SIGTERM)
	if status := w.awaitExit(20 * time.Second); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// The standard variables are enough to continue a producer's trace, over either
// protocol.
func TestTraces(t *testing.T) {
	var c collector
	overHTTP, overGRPC := c.listenHTTP(t), c.listenGRPC(t)
	tests := map[string]struct {
		env      map[string]string
		wantOver string
	}{
		"an endpoint alone": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": overHTTP}, "http /v1/traces"},
		"over HTTP": {map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": overHTTP, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
		}, "http /v1/traces"},
		"over gRPC": {map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": overGRPC, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
		}, "grpc"},
		"over gRPC for traces alone": {map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": overHTTP, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
			"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": overGRPC, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
		}, "grpc"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(c.taken())
			runTraced(t, test.env)
			want := []sentSpan{{test.wantOver, "asyncqueue-worker", "process sleep", traceID, parentSpan}}
			if diff := cmp.Diff(want, c.taken()[before:]); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}

// A collector that is not there costs a worker nothing but its spans.
func TestTracesWithoutACollector(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			runTraced(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
		})
	}
}

// What is turned off is not even read.
func TestNoTracesUnlessAskedFor(t *testing.T) {
	var c collector
	runTraced(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.listenHTTP(t), "OTEL_EXPORTER_OTLP_PROTOCOL": "pigeon", "OTEL_SDK_DISABLED": "true",
	})
	if got := c.taken(); len(got) != 0 {
		t.Errorf("spans were sent: %v", got)
	}
}
