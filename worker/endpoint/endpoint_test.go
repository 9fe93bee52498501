package endpoint

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// status is a worker in some state.
type status struct{ live, ready error }

func (s status) Live() error  { return s.live }
func (s status) Ready() error { return s.ready }

func TestProbes(t *testing.T) {
	no := errors.New("the loop has not turned")
	tests := map[string]struct {
		status                status
		wantLivez, wantReadyz int
	}{
		"live and ready": {status{}, 200, 200},
		"not ready":      {status{ready: no}, 200, 503},
		"stuck":          {status{live: no, ready: no}, 503, 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := Handler(test.status, prometheus.NewRegistry())
			for path, want := range map[string]int{"/livez": test.wantLivez, "/readyz": test.wantReadyz, "/metrics": 200, "/": 404} {
				answer := httptest.NewRecorder()
				h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, http.NoBody))
				if answer.Code != want {
					t.Errorf("%s answered %d, want %d", path, answer.Code, want)
				}
				if want == 503 && strings.TrimSpace(answer.Body.String()) != no.Error() {
					t.Errorf("%s said %q", path, answer.Body.String())
				}
			}
		})
	}
}

func TestServeUntilTheEnd(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, Handler(status{}, prometheus.NewRegistry())) }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/livez", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if string(body) != "ok\n" {
		t.Errorf("/livez said %q", body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// Profiles are there on request, and then beside everything else.
func TestProfiles(t *testing.T) {
	plain := Handler(&status{}, prometheus.NewRegistry())
	for path, want := range map[string][2]int{
		"/debug/pprof/":             {http.StatusNotFound, http.StatusOK},
		"/debug/pprof/heap?debug=1": {http.StatusNotFound, http.StatusOK},
		"/debug/pprof/cmdline":      {http.StatusNotFound, http.StatusOK},
		"/livez":                    {http.StatusOK, http.StatusOK},
		"/metrics":                  {http.StatusOK, http.StatusOK},
	} {
		for i, h := range []http.Handler{plain, WithProfiles(plain)} {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			if answer.Code != want[i] {
				t.Errorf("%s: %d, want %d", path, answer.Code, want[i])
			}
		}
	}
}
