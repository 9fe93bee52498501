package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asyncqueue/operator/worker"
)

const (
	// handleTimeout is after how long a run is late: see worker.Config.
	handleTimeout = 30 * time.Second
	// sendTimeout is how long one mail may take, so that it is retried before the
	// handle timeout passes.
	sendTimeout = 10 * time.Second
)

// Mail is the parameters of the job mail.send.
type Mail struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
}

// sender sends mails. errThrottled says that the server wants a pause.
type sender interface {
	Send(ctx context.Context, m Mail) error
}

var errThrottled = errors.New("the mail server asks for a pause")

// newMux returns the handlers of all jobs.
func newMux(log *slog.Logger, s sender) *worker.Mux {
	mux := worker.NewMux()
	mux.Use(worker.Logging(log), timing)
	worker.Handle(mux, "mail.send", func(ctx context.Context, job worker.TypedJob[Mail]) error {
		return send(ctx, s, job.Args)
	}, worker.Timeout(sendTimeout))
	return mux
}

// send tells the outcomes apart: no repetition mends a wrong address, a busy server
// gets a pause, and every other error is retried as the queue says.
func send(ctx context.Context, s sender, m Mail) error {
	if !strings.Contains(m.To, "@") {
		return worker.Fail(fmt.Errorf("%q is no address", m.To))
	}
	err := s.Send(ctx, m)
	if errors.Is(err, errThrottled) {
		return worker.RetryAfter(time.Minute, err)
	}
	return err
}

// timing is a middleware of one's own: it logs how long each job took.
func timing(next worker.Handler) worker.Handler {
	return worker.HandlerFunc(func(ctx context.Context, job *worker.Job) error {
		began := time.Now()
		err := next.Handle(ctx, job)
		worker.Logger(ctx).Info("Job handled.", "seconds", time.Since(began).Seconds(), "ok", err == nil)
		return err
	})
}

// postman stands for a mail server: it logs what it would send.
type postman struct{ log *slog.Logger }

// Send logs the mail.
func (p postman) Send(_ context.Context, m Mail) error {
	p.log.Info("Sent.", "to", m.To, "subject", m.Subject)
	return nil
}
