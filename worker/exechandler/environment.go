package exechandler

import (
	"context"
	"strconv"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"go.opentelemetry.io/otel/propagation"

	"github.com/asyncqueue/operator/worker"
)

// environment tells a command about its job.
func environment(ctx context.Context, job *worker.Job, event *cloudevents.Event) []string {
	list := []string{
		variable("CE_SPECVERSION", event.SpecVersion()),
		variable("CE_ID", event.ID()),
		variable("CE_TYPE", event.Type()),
		variable("CE_SOURCE", event.Source()),
		variable("ASYNCQUEUE_JOB_ID", job.ID),
		variable("ASYNCQUEUE_JOB_TYPE", job.Type),
		variable("ASYNCQUEUE_JOB_ATTEMPT", strconv.Itoa(job.Attempt)),
		variable("ASYNCQUEUE_JOB_MAX_ATTEMPTS", strconv.Itoa(job.MaxAttempts)),
		variable("ASYNCQUEUE_JOB_REDELIVERED", strconv.Itoa(job.Redelivered)),
	}
	span := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, span)
	if parent := span.Get("traceparent"); parent != "" {
		list = append(list, variable("TRACEPARENT", parent))
	}
	if job.Fence != 0 {
		list = append(list, variable("ASYNCQUEUE_JOB_FENCE", strconv.FormatUint(job.Fence, 10)))
	}
	if at := event.Time(); !at.IsZero() {
		list = append(list, variable("CE_TIME", at.Format(time.RFC3339Nano)))
	}
	return list
}

// variable leaves out what no environment can hold; a producer chooses the text.
func variable(name, value string) string {
	return name + "=" + strings.ReplaceAll(value, "\x00", "")
}
