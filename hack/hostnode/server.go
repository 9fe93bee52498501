//go:build linux

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"time"
)

// logServer is the part of a kubelet's API that kubectl logs needs. It listens
// on the loopback address only, like everything of this node.
type logServer struct {
	server *http.Server
	port   int32
}

// startLogServer serves on a free port.
func startLogServer(ctx context.Context, h *host) (*logServer, error) {
	certificate, err := selfSigned(time.Now())
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(hostIP, "0"))
	if err != nil {
		return nil, fmt.Errorf("listening for log requests: %w", err)
	}
	s := &logServer{
		server: &http.Server{
			Handler:           routes(h),
			ReadHeaderTimeout: apiTimeout,
			TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
		},
		port: int32(listener.Addr().(*net.TCPAddr).Port),
	}
	go func() {
		if err := s.server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			h.log.Error("log server has ended", "error", err)
		}
	}()
	return s, nil
}

// Close ends the server and every request.
func (s *logServer) Close() { _ = s.server.Close() }

func routes(h *host) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(w http.ResponseWriter, r *http.Request) {
		serveLog(h, w, r)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "this node runs host processes: it serves logs, but no exec, attach or port-forward", http.StatusNotImplemented)
	})
	return mux
}

func serveLog(h *host, w http.ResponseWriter, r *http.Request) {
	query, err := parseLogQuery(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pod := h.find(r.PathValue("namespace"), r.PathValue("pod"))
	if pod == nil {
		http.Error(w, "the pod is not on this node", http.StatusNotFound)
		return
	}
	container := r.PathValue("container")
	runs, ok := pod.logs.of(container)
	path := runs.current
	if query.previous {
		path, query.follow = runs.previous, false
	}
	if !ok || path == "" {
		http.Error(w, fmt.Sprintf("container %q has no such log (yet)", container), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	flush := func() { _ = http.NewResponseController(w).Flush() }
	if err := copyLog(r.Context(), w, flush, path, query, runs.done); err != nil && !errors.Is(err, context.Canceled) {
		h.log.Info("log request has ended early", "pod", pod.name, "container", container, "error", err)
	}
}

// selfSigned makes a certificate for the loopback address.
func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "hostnode"},
		NotBefore:    now.Add(-time.Minute), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.ParseIP(hostIP)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("signing the certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
