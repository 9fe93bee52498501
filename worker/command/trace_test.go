package command_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"
)

// collector takes spans as an OTLP server does.
type collector struct {
	mu    sync.Mutex
	paths []string
	spans []byte
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paths = append(c.paths, r.URL.Path)
	c.spans = append(c.spans, body...)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collector) has(t *testing.T, part string) bool {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Contains(c.spans, []byte(part))
}

const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

func tracedMessage() string {
	return `{"specversion":"1.0","type":"sleep","id":"m","source":"test","data":{"ms":1},"traceparent":"00-` + traceID + `-00f067aa0ba902b7-01"}`
}

// The standard variables are enough to continue a producer's trace.
func TestTraces(t *testing.T) {
	var c collector
	server := httptest.NewServer(&c)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	p := newPlace(t)
	p.push(tracedMessage())
	w := startProcess(t, p.flags("--listen=")...)
	await(t, 20*time.Second, "the run", func() bool { return w.said("ended") == 1 })
	w.signal(syscall.SIGTERM)
	if status := w.awaitExit(20 * time.Second); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
	id, err := hex.DecodeString(traceID)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{string(id), "process sleep", "asyncqueue-worker"} {
		if !c.has(t, part) {
			t.Errorf("no span came with %q", part)
		}
	}
}

func TestNoTracesUnlessAskedFor(t *testing.T) {
	var c collector
	server := httptest.NewServer(&c)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_SDK_DISABLED", "true")
	p := newPlace(t)
	p.push(tracedMessage())
	w := startProcess(t, p.flags("--listen=")...)
	await(t, 20*time.Second, "the run", func() bool { return w.said("ended") == 1 })
	w.signal(syscall.SIGTERM)
	w.awaitExit(20 * time.Second)
	if len(c.paths) != 0 {
		t.Errorf("spans were sent to %v", c.paths)
	}
}
