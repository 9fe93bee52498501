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

// isRefusal reports whether the command was certainly not carried out: Redis said no, or no
// connection was made.
func isRefusal(err error) bool {
	var answer redis.Error
	if errors.As(err, &answer) {
		return true
	}
	if errors.Is(err, redis.ErrClosed) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
