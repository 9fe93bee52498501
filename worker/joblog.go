package worker

import (
	"context"
	"errors"
	"log/slog"

	"github.com/asyncqueue/operator/queue"
)

// JobLog chooses which events NewJobLog writes.
type JobLog string

// The choices of job log.
const (
	JobLogFailures JobLog = "failures" // Failed, Retried, timeouts and the end of late runs, what was handed back
	JobLogAll      JobLog = "all"      // Processing and Processed as well
	JobLogNone     JobLog = "none"
)

// NewJobLog returns a Listener that writes a line per event, as Hyperf's do:
// "Processing X.", "Processed X.", "Failed X.", "Retried X.", where X is the
// job's name. Payloads are never written.
func NewJobLog(log *slog.Logger, choice JobLog) Listener {
	if choice == JobLogNone {
		return func(context.Context, Event) {}
	}
	all := choice == JobLogAll
	return func(ctx context.Context, e Event) {
		switch e.Kind {
		case BeforeHandle:
			if all {
				log.LogAttrs(ctx, slog.LevelInfo, "Processing "+e.Job.Type+".", jobAttrs(e)...)
			}
		case AfterHandle:
			logAfter(ctx, log, e, all)
		case FailedHandle:
			log.LogAttrs(ctx, slog.LevelError, "Failed "+e.Job.Type+".", jobAttrs(e)...)
		case RetryHandle:
			log.LogAttrs(ctx, slog.LevelWarn, "Retried "+e.Job.Type+".", append(jobAttrs(e), slog.Float64("delaySeconds", e.Delay.Seconds()))...)
		case TimeoutHandle:
			log.LogAttrs(ctx, slog.LevelWarn, "Timed out "+e.Job.Type+".", jobAttrs(e)...)
		case RequeueHandle:
			log.LogAttrs(ctx, slog.LevelWarn, "Requeued "+e.Job.Type+".", append(jobAttrs(e), slog.Float64("delaySeconds", e.Delay.Seconds()))...)
		case QueueLength:
			log.LogAttrs(ctx, lengthLevel(e.Length), "Queue length.", slog.String("state", string(e.State)), slog.Int64("length", e.Length))
		}
	}
}

func logAfter(ctx context.Context, log *slog.Logger, e Event, all bool) {
	switch {
	case e.Err != nil:
		log.LogAttrs(ctx, slog.LevelWarn, "Dropped "+e.Job.Type+".", jobAttrs(e)...)
	case all || e.Late:
		log.LogAttrs(ctx, slog.LevelInfo, "Processed "+e.Job.Type+".", jobAttrs(e)...)
	}
}

func jobAttrs(e Event) []slog.Attr {
	attrs := make([]slog.Attr, 0, 7)
	attrs = append(attrs,
		slog.String("jobID", e.Job.ID),
		slog.String("jobType", e.Job.Type),
		slog.Int("attempt", e.Job.Attempt))
	if e.Job.Redelivered > 0 {
		attrs = append(attrs, slog.Int("redelivered", e.Job.Redelivered))
	}
	if e.Kind != BeforeHandle {
		attrs = append(attrs, slog.Float64("elapsedSeconds", e.Elapsed.Seconds()))
	}
	if e.Moved == queue.WasLate || e.Moved == queue.WasLost {
		attrs = append(attrs, slog.String("run", e.Moved.String()))
	}
	if e.Err == nil {
		return attrs
	}
	attrs = append(attrs, slog.String("error", e.Err.Error()))
	if panicked := (*PanicError)(nil); errors.As(e.Err, &panicked) {
		attrs = append(attrs, slog.String("stack", string(panicked.Stack)))
	}
	return attrs
}

// lengthLevel is the seed's rule for the length of a queue.
func lengthLevel(n int64) slog.Level {
	switch {
	case n < 10:
		return slog.LevelDebug
	case n < 50:
		return slog.LevelInfo
	case n < 500:
		return slog.LevelWarn
	}
	return slog.LevelError
}
