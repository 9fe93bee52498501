package queue

import (
	"errors"
	"fmt"
	"net"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrUnknownOutcome reports a push whose answer was lost: the messages may stand in Redis or
	// not. Nothing re-sends them by itself, since that could double them.
	ErrUnknownOutcome = errors.New("outcome unknown")

	// ErrIntakeClosed reports that the intake gate is closed: nothing was pushed.
	ErrIntakeClosed = errors.New("the intake is closed")

	// ErrNotReplicated reports that the messages stand on the primary, but fewer replicas than asked
	// for confirmed them in time. They will be taken; only a fail-over before the replicas have them
	// would lose them. Pushing again doubles them.
	ErrNotReplicated = errors.New("pushed, but not replicated")

	// ErrEvicted reports that Redis does not know the consumer: it has not registered, or it was
	// taken for dead and what it held was given back. Call Register to go on as a new worker.
	ErrEvicted = errors.New("worker is not registered")
)

// pushError tells a refusal, after which nothing was pushed, from a lost answer.
func pushError(key string, err error) error {
	if isRefusal(err) {
		return fmt.Errorf("pushing to %s: %w", key, err)
	}
	return fmt.Errorf("pushing to %s: %w: %w", key, ErrUnknownOutcome, err)
}

// refusal returns what Redis said; nil: it said nothing.
func refusal(err error) error {
	var answer redis.Error
	if errors.As(err, &answer) {
		return answer
	}
	return nil
}

// isRefusal reports whether the command was certainly not carried out: Redis said no, or no
// connection was made.
func isRefusal(err error) bool {
	if refusal(err) != nil {
		return true
	}
	if errors.Is(err, redis.ErrClosed) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
