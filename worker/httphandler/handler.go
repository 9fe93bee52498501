package httphandler

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"go.opentelemetry.io/otel/propagation"

	"github.com/asyncqueue/operator/worker"
)

// keptBody is how much of an answer's body is kept as the reason of a failure.
const keptBody = 1024

// drainedBody is how much of a body is read so that the connection can be used
// again.
const drainedBody = 256 << 10

// Handler posts messages. It is safe for concurrent use.
type Handler struct {
	cfg Config
}

// New returns a Handler. The error names the field of cfg that is wrong.
func New(cfg Config) (*Handler, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("making an HTTP handler: %w", err)
	}
	return &Handler{cfg: cfg}, nil
}

// Handle posts one message and maps the answer to an outcome.
func (h *Handler) Handle(ctx context.Context, job *worker.Job) error {
	request, err := h.request(ctx, job)
	if err != nil {
		return worker.Fail(err)
	}
	response, err := h.cfg.Client.Do(request)
	if err != nil {
		return fmt.Errorf("posting job %q: %w", job.Type, err)
	}
	defer func() { _ = response.Body.Close() }()
	reason, _ := io.ReadAll(io.LimitReader(response.Body, keptBody)) // what could be read
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, drainedBody))
	return outcome(response, string(reason), time.Now())
}

func (h *Handler) request(ctx context.Context, job *worker.Job) (*http.Request, error) {
	event, err := job.Message.CloudEvent(h.cfg.Source)
	if err != nil {
		return nil, fmt.Errorf("making a CloudEvent of job %q: %w", job.Type, err)
	}
	if job.Fence != 0 {
		event.SetExtension("fence", strconv.FormatUint(job.Fence, 10)) // CloudEvents integers have 32 bits
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.cfg.URL, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("making a request for job %q: %w", job.Type, err)
	}
	if err := cehttp.WriteRequest(binding.WithForceBinary(ctx), (*binding.EventMessage)(event), request); err != nil {
		return nil, fmt.Errorf("writing a request for job %q: %w", job.Type, err)
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(request.Header)) // of the run's span, where there is one
	return request, nil
}

// outcome maps an answer to what becomes of the message.
func outcome(r *http.Response, reason string, now time.Time) error {
	if r.StatusCode >= 200 && r.StatusCode < 300 {
		return nil
	}
	err := &StatusError{Status: r.StatusCode, Body: strings.TrimSpace(reason)}
	if !retries(r.StatusCode) {
		return worker.Fail(err)
	}
	if delay, ok := retryAfter(r.Header.Get("Retry-After"), now); ok {
		return worker.RetryAfter(delay, err)
	}
	return err
}

// retries says whether another request may have another answer.
func retries(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status < 400 || status >= 500
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	// Status is the HTTP status code.
	Status int
	// Body is the beginning of the answer's body.
	Body string
}

// Error says which status came, and the beginning of what was said with it.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("handler answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Body != "" {
		text += ": " + e.Body
	}
	return text
}
