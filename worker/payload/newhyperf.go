package payload

import (
	"fmt"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

// HyperfJob is what [NewHyperf] writes: a job with the properties that the jobs
// in Hyperf's documentation have.
type HyperfJob struct {
	// Class is the name of the job's class, like App\Job\DemoJob. Required.
	Class string
	// MaxAttempts is the property maxAttempts. nil: the property is left out, and
	// the class's default counts.
	MaxAttempts *int
	// UniqueID is the property uniqueId. Empty: it is left out.
	UniqueID string
	// Params is the property params, see [Map] for what it may hold. nil: an
	// empty array.
	Params any
}

// NewHyperf writes a message as Hyperf from 3.2 on pushes it. Older versions of
// Hyperf, up to 3.1.7, cannot read it.
func NewHyperf(job HyperfJob) ([]byte, error) {
	count := 1
	if job.MaxAttempts != nil {
		count++
	}
	if job.UniqueID != "" {
		count++
	}
	b := phpserialize.AppendObjectStart(nil, jobMessageClass, 2)
	b = phpserialize.AppendString(b, "job")
	b = phpserialize.AppendObjectStart(b, job.Class, count)
	if job.MaxAttempts != nil {
		b = phpserialize.AppendString(b, "maxAttempts")
		b = phpserialize.AppendInt(b, int64(*job.MaxAttempts))
	}
	if job.UniqueID != "" {
		b = phpserialize.AppendString(b, "uniqueId")
		b = phpserialize.AppendString(b, job.UniqueID)
	}
	b = phpserialize.AppendString(b, "params")
	params := job.Params
	if params == nil {
		params = Map{}
	}
	b, err := appendPHP(b, params, 0)
	if err != nil {
		return nil, fmt.Errorf("writing the parameters of a Hyperf job: %w", err)
	}
	b = phpserialize.AppendEnd(b)
	b = phpserialize.AppendString(b, "attempts")
	b = phpserialize.AppendInt(b, 0)
	b = phpserialize.AppendEnd(b)
	if _, err := Decode(b); err != nil {
		return nil, fmt.Errorf("writing a Hyperf job: %w", err)
	}
	return b, nil
}
