package endpoint

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// starting is a worker that is ready, or not any more.
type starting struct{ ready atomic.Bool }

func (s *starting) Live() error { return nil }
func (s *starting) Ready() error {
	if s.ready.Load() {
		return nil
	}
	return errors.New("not yet")
}

func TestReadinessWaitsForAWorkerThatStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &starting{}
		h := Handler(s, prometheus.NewRegistry())
		ask := func() (code int, took time.Duration) {
			begin, recorder := time.Now(), httptest.NewRecorder()
			h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
			return recorder.Code, time.Since(begin)
		}
		if code, took := ask(); code != http.StatusServiceUnavailable || took != startPatience {
			t.Errorf("%d after %s from a worker that does not start, want 503 after %s", code, took, startPatience)
		}
		time.AfterFunc(300*time.Millisecond, func() { s.ready.Store(true) })
		if code, took := ask(); code != http.StatusOK || took < 300*time.Millisecond || took > 300*time.Millisecond+startInterval {
			t.Errorf("%d after %s from a worker that is ready after 300 ms", code, took)
		}
		s.ready.Store(false)
		if code, took := ask(); code != http.StatusServiceUnavailable || took != 0 {
			t.Errorf("%d after %s from a worker that lost Redis, want 503 at once", code, took)
		}
	})
}
