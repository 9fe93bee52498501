package connect

import (
	"fmt"
	"time"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// Problem is why a queue's Redis cannot be used, fit for a condition.
type Problem struct {
	// Reason is one of the API package's.
	Reason string
	// Message says what to do.
	Message string
	// Stalled says that only a change of the queue helps.
	Stalled bool
	// Until is when to look again; zero: not by itself.
	Until time.Time
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Message }

func missing(s secret, name, key, field string) error {
	return &Problem{
		Reason: queuev1alpha1.ReasonSecretKeyMissing, Until: s.at.Add(s.age(Troubled)),
		Message: fmt.Sprintf("Secret %q, named by spec.redis.%s, lacks the key %s", name, field, key),
	}
}

func invalid(s secret, format string, args ...any) error {
	return &Problem{Reason: queuev1alpha1.ReasonSecretInvalid, Until: s.at.Add(s.age(Troubled)), Message: fmt.Sprintf(format, args...)}
}
