//go:build linux

package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestProberReportsWhatCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		results := []bool{false, true, true, true, false, false, true, false, false, false, false}
		var checks, got []string
		ctx, cancel := context.WithCancel(t.Context())
		p := prober{
			spec: &corev1.Probe{InitialDelaySeconds: 3, PeriodSeconds: 2, SuccessThreshold: 2, FailureThreshold: 3},
			check: func(context.Context) error {
				ok := results[len(checks)]
				checks = append(checks, time.Since(begin).String())
				if len(checks) == len(results) {
					defer cancel()
				}
				if !ok {
					return errors.New("no")
				}
				return nil
			},
			report: func(err error) { got = append(got, time.Since(begin).String()+" "+strconv.FormatBool(err == nil)) },
		}
		p.run(ctx)
		// Two in a row count as success, three as failure.
		if diff := cmp.Diff([]string{"7s true", "9s true", "21s false"}, got); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
		if checks[0] != "3s" || checks[1] != "5s" {
			t.Errorf("checks at %v", checks[:2])
		}
	})
}

func TestProberBoundsACheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := prober{
			spec:   &corev1.Probe{TimeoutSeconds: 4},
			check:  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			report: func(error) { cancel() },
		}
		begin := time.Now()
		p.run(ctx)
		if took := time.Since(begin); took != 4*time.Second {
			t.Errorf("the check took %s", took)
		}
	})
}

func TestCheckHTTP(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/500", http.StatusFound)
			return
		}
		if r.URL.Path == "/header" && (r.Header.Get("X-A") != "1" || r.Host != "example.dev") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.URL.Path == "/500" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	port := func(s *httptest.Server) int32 { return int32(s.Listener.Addr().(*net.TCPAddr).Port) }
	c := &corev1.Container{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: port(plain)}}}
	for name, tc := range map[string]struct {
		get     corev1.HTTPGetAction
		wantErr string
	}{
		"well":               {get: corev1.HTTPGetAction{Path: "/livez", Port: intstr.FromInt32(port(plain))}},
		"a path alone":       {get: corev1.HTTPGetAction{Path: "livez", Port: intstr.FromInt32(port(plain))}},
		"a port's name":      {get: corev1.HTTPGetAction{Port: intstr.FromString("http"), Scheme: corev1.URISchemeHTTP}},
		"TLS":                {get: corev1.HTTPGetAction{Port: intstr.FromInt32(port(secure)), Scheme: corev1.URISchemeHTTPS}},
		"a redirect is well": {get: corev1.HTTPGetAction{Path: "/moved", Port: intstr.FromInt32(port(plain))}},
		"headers": {get: corev1.HTTPGetAction{
			Path: "/header", Port: intstr.FromInt32(port(plain)),
			HTTPHeaders: []corev1.HTTPHeader{{Name: "X-A", Value: "1"}, {Name: "Host", Value: "example.dev"}},
		}},
		"an error":        {get: corev1.HTTPGetAction{Path: "/500", Port: intstr.FromInt32(port(plain))}, wantErr: "statuscode: 500"},
		"no such name":    {get: corev1.HTTPGetAction{Port: intstr.FromString("grpc")}, wantErr: `no port named "grpc"`},
		"nobody is there": {get: corev1.HTTPGetAction{Port: intstr.FromInt32(1)}, wantErr: "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			check := checkOf(&corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &tc.get}}, c, "127.0.0.1", nil)
			if err := check(t.Context()); !errorIs(err, tc.wantErr) {
				t.Errorf("error %v, want %q", err, tc.wantErr)
			}
		})
	}
	tcp := checkOf(&corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("http")}}}, c, "127.0.0.1", nil)
	if err := tcp(t.Context()); err != nil {
		t.Errorf("tcpSocket: %v", err)
	}
}

func TestCheckProgram(t *testing.T) {
	s := newSpawner()
	if err := checkProgram(t.Context(), s, shell(t, "exit 0")); err != nil {
		t.Errorf("exit 0: %v", err)
	}
	if err := checkProgram(t.Context(), s, shell(t, "exit 4")); !errorIs(err, "ended with code 4") {
		t.Errorf("exit 4: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := checkProgram(ctx, s, shell(t, "sleep 600")); !errorIs(err, "ran out of time") {
		t.Errorf("a command that hangs: %v", err)
	}
}
