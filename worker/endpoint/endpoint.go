// Package endpoint serves a worker's probes and metrics over HTTP.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Status is what the probes ask: a *worker.Worker.
type Status interface {
	// Live returns nil while the worker's loop turns.
	Live() error
	// Ready returns nil while the worker consumes.
	Ready() error
}

// Handler serves /livez, /readyz and /metrics. A probe that fails answers 503 and
// the reason.
func Handler(s Status, g prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", probe(s.Live))
	mux.HandleFunc("GET /readyz", probe(s.Ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	return mux
}

func probe(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := check(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err) //nolint:errcheck // the client is gone
			return
		}
		fmt.Fprintln(w, "ok") //nolint:errcheck // the client is gone
	}
}

// Serve answers on l until ctx is done.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // probes may be cut off
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving probes and metrics on %s: %w", l.Addr(), err)
	}
	return nil
}
