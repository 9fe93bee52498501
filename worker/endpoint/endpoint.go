// Package endpoint serves a worker's probes and metrics over HTTP.
package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
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

const (
	// startPatience is how long an answer about readiness waits for a worker that
	// has never been ready: well within a kubelet's timeout of 2 s. A probe that
	// comes a moment too early would else be repeated only a period later.
	startPatience = time.Second
	startInterval = 10 * time.Millisecond
)

// Handler serves /livez, /readyz and /metrics. A probe that fails answers 503 and
// the reason. Until the worker was ready once, /readyz waits for it up to 1 s.
func Handler(s Status, g prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", probe(s.Live))
	mux.HandleFunc("GET /readyz", readiness(s.Ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	return mux
}

// WithProfiles adds the runtime profiles of net/http/pprof below /debug/pprof/ to h.
// They show the program's command line and its memory's shape to everybody who can
// reach them. A profile over time may take at most 25 s, as in
// /debug/pprof/profile?seconds=20.
func WithProfiles(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func probe(check func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, check()) }
}

// readiness is a probe that waits for a worker that is still starting.
func readiness(check func() error) http.HandlerFunc {
	var wasReady atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		err := check()
		if err != nil && !wasReady.Load() {
			err = await(r.Context(), check)
		}
		if err == nil {
			wasReady.Store(true)
		}
		answer(w, err)
	}
}

// await checks until all is well or startPatience is over.
func await(ctx context.Context, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(startInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return check()
		case <-tick.C:
			if err := check(); err == nil {
				return nil
			}
		}
	}
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err) //nolint:errcheck // the client is gone
		return
	}
	fmt.Fprintln(w, "ok") //nolint:errcheck // the client is gone
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
