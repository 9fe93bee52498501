package httphandler

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

const raw = `{"specversion":"1.0","type":"mail.send","id":"m-1","source":"shop","time":"2026-01-02T03:04:05Z","datacontenttype":"application/json","data":{"to":"a"}}`

func newJob(t *testing.T, raw string) *worker.Job {
	t.Helper()
	message, err := payload.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return &worker.Job{ID: message.ID(), Type: message.Type(), Attempt: 1, Message: message}
}

func newHandler(t *testing.T, url string) *Handler {
	t.Helper()
	h, err := New(Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	job := newJob(t, raw)
	job.Fence = 1_800_000_000_000_000
	if err := newHandler(t, server.URL+"/jobs").Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{
		"Ce-Specversion": "1.0", "Ce-Type": "mail.send", "Ce-Id": "m-1", "Ce-Source": "shop",
		"Ce-Fence": "1800000000000000",
		"Ce-Time":  "2026-01-02T03:04:05Z", "Content-Type": "application/json",
	}
	for name, want := range headers {
		if diff := cmp.Diff(want, got.Header.Get(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got.Method != http.MethodPost || got.URL.Path != "/jobs" {
		t.Errorf("%s %s, want POST /jobs", got.Method, got.URL.Path)
	}
	var data map[string]string
	if err := json.Unmarshal(body, &data); err != nil || data["to"] != "a" {
		t.Errorf("body = %s, %v", body, err)
	}
}

// The table of the package comment.
func TestStatuses(t *testing.T) {
	tests := map[int]string{
		200: "ack", 202: "ack", 204: "ack", 299: "ack",
		301: "retry", 304: "retry", 307: "retry",
		400: "fail", 401: "fail", 403: "fail", 404: "fail", 409: "fail", 410: "fail", 422: "fail", 451: "fail",
		408: "retry", 425: "retry", 429: "retry",
		500: "retry", 502: "retry", 503: "retry", 504: "retry", 599: "retry",
	}
	for status, want := range tests {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				if status >= 400 {
					_, _ = io.WriteString(w, "because\n")
				}
			}))
			defer server.Close()
			err := newHandler(t, server.URL).Handle(t.Context(), newJob(t, raw))
			if got := verdict(err); got != want {
				t.Errorf("%s (%v), want %s", got, err, want)
			}
			if status >= 400 && (!strings.HasPrefix(err.Error(), "handler answered "+strconv.Itoa(status)) || !strings.HasSuffix(err.Error(), ": because")) {
				t.Errorf("reason = %q", err)
			}
		})
	}
}

func verdict(err error) string {
	action, _ := worker.Verdict(err)
	return action
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, status := range []int{429, 503} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
		}))
		defer server.Close()
		action, delay := worker.Verdict(newHandler(t, server.URL).Handle(t.Context(), newJob(t, raw)))
		if action != "retry" || delay != 7*time.Second {
			t.Errorf("%d: %s after %s, want a retry after 7s", status, action, delay)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := map[string]struct {
		header string
		want   time.Duration
		wantOK bool
	}{
		"absent":             {"", 0, false},
		"seconds":            {"120", 2 * time.Minute, true},
		"seconds and spaces": {" 3 ", 3 * time.Second, true},
		"at once":            {"0", 0, true},
		"negative":           {"-1", 0, false},
		"a fraction":         {"1.5", 0, false},
		"for ever":           {"999999999999", longestRetryAfter, true},
		"a date":             {"Fri, 02 Jan 2026 03:05:05 GMT", time.Minute, true},
		"a date in the past": {"Fri, 02 Jan 2026 03:00:00 GMT", 0, true},
		"a date far away":    {"Fri, 02 Jan 2099 03:00:00 GMT", longestRetryAfter, true},
		"words":              {"soon", 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := retryAfter(test.header, now)
			if got != test.want || ok != test.wantOK {
				t.Errorf("retryAfter(%q) = %s, %t; want %s, %t", test.header, got, ok, test.want, test.wantOK)
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = connection.Close()
		}
	}))
	url := server.URL
	if got := verdict(newHandler(t, url).Handle(t.Context(), newJob(t, raw))); got != "retry" {
		t.Errorf("a cut connection: %s, want retry", got)
	}
	server.Close()
	if got := verdict(newHandler(t, url).Handle(t.Context(), newJob(t, raw))); got != "retry" {
		t.Errorf("a refused connection: %s, want retry", got)
	}
}

// At the end of the drain the request is given up.
func TestEndOfTheDrain(t *testing.T) {
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if err := newHandler(t, server.URL).Handle(ctx, newJob(t, raw)); !errors.Is(err, context.Canceled) {
		t.Errorf("Handle: %v, want context.Canceled in it", err)
	}
}

// Answers of any length leave the connection usable and the memory small.
func TestLongAnswers(t *testing.T) {
	connections := make(map[string]bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
	}))
	defer server.Close()
	h := newHandler(t, server.URL)
	for range 3 {
		if err := h.Handle(t.Context(), newJob(t, raw)); err == nil || len(err.Error()) > keptBody+100 {
			t.Errorf("Handle: an error of %d bytes", len(err.Error()))
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for 3 messages, want 1", len(connections))
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	for _, url := range []string{"", "localhost:80", "ftp://host", "http://", "http://%zz"} {
		if _, err := New(Config{URL: url}); err == nil {
			t.Errorf("New succeeded for %q", url)
		}
	}
}
