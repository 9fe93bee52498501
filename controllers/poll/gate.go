package poll

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"

	"github.com/asyncqueue/operator/queue"
)

// gateEvery is how often a gate is set again: Redis may have lost it, or somebody
// else changed it.
const gateEvery = 10 * time.Second

// Gate is the intake gate of a queue. The zero value: there is none to set.
type Gate struct {
	// Key is its key in Redis; empty: none.
	Key string
	// Closed is whether producers are to refuse.
	Closed bool
}

// GateSight is what became of a queue's gate. The zero value: there is none.
type GateSight struct {
	// Gate is as it was set last.
	Gate
	// Fault is why it could not be set; nil: it was.
	Fault *Fault
}

// gates sets the gates of one Redis. It is used by one goroutine.
type gates struct {
	redis Redis
	known map[types.NamespacedName]gateState
}

type gateState struct {
	sight GateSight
	at    time.Time
}

// set sets the gates of queues that are new, changed, refused or due, in one round
// trip where there are any.
func (g *gates) set(ctx context.Context, client redis.UniversalClient, queues map[types.NamespacedName]Target, now time.Time) {
	var due []types.NamespacedName
	pipe := client.Pipeline()
	for key, target := range queues {
		if target.Gate.Key == "" {
			delete(g.known, key)
			continue
		}
		if !g.isDue(key, target.Gate, now) {
			continue
		}
		gate := queue.NewGate(pipe, target.Gate.Key)
		if target.Gate.Closed {
			_ = gate.Close(ctx, queue.GateTTL) // a pipeline tells its errors when it runs
		} else {
			_ = gate.Open(ctx)
		}
		due = append(due, key)
	}
	if len(due) == 0 {
		return
	}
	answers, failed := pipe.Exec(ctx)
	answered := slices.ContainsFunc(answers, func(c redis.Cmder) bool { return c.Err() != nil })
	for i, key := range due {
		err := failed
		if answered { // else no connection was made, and the commands carry no error of their own
			err = answers[i].Err()
		}
		g.known[key] = gateState{sight: g.sight(queues[key].Gate, err), at: now}
	}
}

func (g *gates) isDue(key types.NamespacedName, gate Gate, now time.Time) bool {
	known, ok := g.known[key]
	return !ok || known.sight.Gate != gate || known.sight.Fault != nil || now.Sub(known.at) >= gateEvery
}

func (g *gates) sight(gate Gate, err error) GateSight {
	if err == nil {
		return GateSight{Gate: gate}
	}
	fault := faultOf(err, g.redis)
	return GateSight{Gate: gate, Fault: &Fault{Reason: fault.Reason, Message: fmt.Sprintf("the intake gate %s cannot be set: %s", gate.Key, fault.Message)}}
}
