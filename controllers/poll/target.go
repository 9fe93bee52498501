package poll

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/internal/redisconn"
)

// Target is a queue to look at, and what to do for it.
type Target struct {
	// Redis is where the queue lives. Queues with the same Redis share a loop. Not
	// changed.
	Redis *Redis
	// Channel is the queue's channel.
	Channel string
	// Redeliver puts what dead workers held back on the queue; otherwise it is
	// parked in the state timeout.
	Redeliver bool
	// MaxReloads is how often a message may be redelivered before it goes to
	// failed. 0 is no limit.
	MaxReloads int
	// Gate is the intake gate to set.
	Gate Gate
	// Ahead is how soon a delayed message must be due to count as due.
	Ahead time.Duration
	// Age asks for the age of the message that is taken next.
	Age bool
	// Digest reduces an observation to what a decision depends on: a reconcile is
	// woken when it changes. It must be quick and must not block.
	Digest func(Observation) string
}

// Redis is one Redis with one set of credentials.
type Redis struct {
	// ID tells this Redis, credentials and TLS included, from others. It is a
	// digest: it may be logged.
	ID string
	// Address is host:port, for people.
	Address string
	// Config is how to connect.
	Config redisconn.Config
}

// samePlace reports that what was seen of a queue is still about it.
func (t Target) samePlace(o Target) bool {
	return t.Redis.ID == o.Redis.ID && t.Channel == o.Channel
}

// sameWork reports that a queue is tended as before.
func (t Target) sameWork(o Target) bool {
	return t.Channel == o.Channel && t.Redeliver == o.Redeliver && t.MaxReloads == o.MaxReloads && t.Ahead == o.Ahead && t.Age == o.Age
}

// Conn is a connection to one Redis. It is used by one goroutine.
type Conn interface {
	// Look looks at the queues in one round trip and tends them. All says that
	// there are no others, so that what is known of others is forgotten. The error
	// is of the whole Redis; one queue's own is in its Result.
	Look(ctx context.Context, queues map[types.NamespacedName]Target, all bool) (map[types.NamespacedName]Result, error)
	// Mind looks for due messages in queues that were looked at, in one cheap round
	// trip. It looks at those queues where one is, as Look does, and returns how soon
	// the next is due of the others. A queue with a fault of its own is left out.
	Mind(ctx context.Context, queues []types.NamespacedName) (looks map[types.NamespacedName]Result, dueIn map[types.NamespacedName]time.Duration, err error)
	// Ping asks for no more than an answer.
	Ping(ctx context.Context) error
	// Close gives the connection up.
	Close() error
}

// Result is the outcome of a look at one queue.
type Result struct {
	Look Look
	Err  error
}
